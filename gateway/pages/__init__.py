"""The built pages, as files in memory."""

from gateway.pages.files import PAGES, PageAnswer, Pages

__all__ = ["PAGES", "PageAnswer", "Pages"]
