"""`python -m dev.web build | check | openapi`."""

import argparse
import sys

from dev.stack.layout import REPOSITORY, Layout
from dev.stack.telling import plain_voice
from dev.web.building import PagesNotBuiltError, build_pages, check_pages
from dev.web.node import NodeFailedError
from dev.web.openapi import write_documents

DOCUMENTS = REPOSITORY / ".local/web/openapi"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m dev.web", description=__doc__)
    parser.add_argument("command", choices=("build", "check", "openapi"))
    command, say, layout = parser.parse_args().command, plain_voice(), Layout.from_environment()
    try:
        if command == "build":
            build_pages(layout, say=say)
            return 0
        write_documents(DOCUMENTS)
        if command == "check":
            check_pages(layout, DOCUMENTS, say=say)
    except (NodeFailedError, PagesNotBuiltError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
