"""The pages' build, for `make up`, `make check` and the image: Node found or fetched, sources built when they changed."""

from dev.web.building import DIST, PagesNotBuiltError, build_pages

__all__ = ["DIST", "PagesNotBuiltError", "build_pages"]
