# syntax=docker/dockerfile:1
# One recipe for every process of the product. The image holds Python, the locked dependencies, `shared` and one package; the gateway's also the built pages.
#
#   docker build --build-arg SERVICE=order -t kaquan/order .
#   docker build --build-arg SERVICE=gateway --build-arg MODULE=gateway.main -t kaquan/gateway .
#   docker build --build-arg SERVICE=sandbox --build-arg MODULE=sandbox.payment -t kaquan/sandbox .
#
# The same image runs a service's roles (KAQUAN_ROLES), its migrations (`python -m shared.database.migrate order`) and
# the making of topics (`python -m shared.messaging.topics`).
ARG PYTHON=3.11

FROM python:${PYTHON}-slim-bookworm AS dependencies
COPY requirements.lock /build/requirements.lock
RUN python -m venv --without-pip /opt/venv \
    && python -m pip --python /opt/venv/bin/python install \
        --no-cache-dir --no-deps --only-binary :all: --require-hashes --requirement /build/requirements.lock \
    && python -m compileall -q -j 0 /opt/venv/lib

# Built once for all images: nothing here depends on SERVICE.
FROM node:22-bookworm-slim AS pages
WORKDIR /web
COPY web/package.json web/package-lock.json web/.npmrc ./
RUN npm ci --ignore-scripts
COPY web ./
RUN npm run build

FROM python:${PYTHON}-slim-bookworm AS code
ARG SERVICE=order
ARG MODULE=services.${SERVICE}.main
SHELL ["/bin/bash", "-o", "errexit", "-o", "nounset", "-o", "pipefail", "-c"]
COPY . /source
COPY --from=pages /web/dist /source/web/dist
WORKDIR /app
# The gateway serves the pages. `services.order.main` lives in services/order, `gateway.main` in gateway, `sandbox.payment` in sandbox.
RUN module_path="${MODULE//.//}" && package="${module_path%/*}" \
    && mkdir -p "${package}" \
    && cp -R /source/shared . \
    && cp -R "/source/${package}/." "${package}/" \
    && for parent in services dev; do \
        if [ -d "${parent}" ]; then cp "/source/${parent}/__init__.py" "${parent}/"; fi; \
    done \
    && if [ "${package}" = gateway ]; then cp -R /source/web/dist web-dist; fi \
    && python -m compileall -q -j 0 .

FROM python:${PYTHON}-slim-bookworm
ARG SERVICE=order
ARG MODULE=services.${SERVICE}.main
LABEL org.opencontainers.image.title="kaquan-${SERVICE}" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN groupadd --gid 10001 kaquan \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin kaquan \
    && install --directory --owner 10001 --group 10001 --mode 0700 /keys /state
COPY --from=dependencies /opt/venv /opt/venv
COPY --from=code /app /app
ENV PATH=/opt/venv/bin:${PATH} \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    KAQUAN_HOST=0.0.0.0 \
    KAQUAN_KEYS_DIR=/keys \
    KAQUAN_LOCAL_DIR=/state \
    KAQUAN_PAGES_DIR=/app/web-dist \
    KAQUAN_MODULE=${MODULE}
WORKDIR /app
USER 10001:10001
# Stopped by SIGTERM within ten seconds; `exec` so that the signal reaches Python itself.
CMD ["sh", "-c", "exec python -m \"${KAQUAN_MODULE}\""]
