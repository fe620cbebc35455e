# syntax=docker/dockerfile:1
ARG PYTHON=python:3.13-slim-trixie

FROM ${PYTHON} AS build
RUN python -m venv /opt/shothik
ENV PATH=/opt/shothik/bin:$PATH \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_NO_INPUT=1
WORKDIR /build
COPY requirements.lock ./
# Wheels only: nothing is compiled, so no compiler is needed here either.
RUN pip install --require-hashes --only-binary :all: -r requirements.lock
COPY pyproject.toml ./
COPY src ./src
RUN pip install --no-deps --no-build-isolation .
# The lock holds what the wheel is built with; the service runs without it, and without pip.
RUN pip uninstall --yes hatchling packaging pathspec pluggy tomlkit trove-classifiers pip

FROM ${PYTHON}
ENV PATH=/opt/shothik/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOST=0.0.0.0 \
    LOG_FORMAT=json
COPY --from=build /opt/shothik /opt/shothik
# Only the embedded store writes: into var/, where a volume belongs.
RUN install -d -o 10001 -g 10001 /app/var
WORKDIR /app
USER 10001:10001
EXPOSE 3001
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import http.client, os; c = http.client.HTTPConnection('127.0.0.1', int(os.environ.get('PORT') or 3001), timeout=2); c.request('GET', '/health/live'); raise SystemExit(c.getresponse().status != 200)"]
ENTRYPOINT ["shothik-payment"]
CMD ["serve"]
