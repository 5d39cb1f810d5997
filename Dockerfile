# One image for both services: `gateway` (the default) and `push`; any other command works too.
# Python 3.11, since that is what the tests run on.

FROM python:3.11-slim-bookworm AS build
WORKDIR /build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore

# The virtual environment is all that the image gets: no pip, no build back end, no sources.
RUN python -m venv --without-pip /opt/logweir
COPY requirements/build.txt requirements/gcp.txt requirements/
RUN python -m pip install --require-hashes --requirement=requirements/build.txt
RUN python -m pip --python=/opt/logweir/bin/python install --require-hashes --requirement=requirements/gcp.txt
COPY pyproject.toml README.md LICENSE ./
COPY src src
RUN python -m pip wheel --no-deps --no-build-isolation --wheel-dir=wheels .
RUN python -m pip --python=/opt/logweir/bin/python install --no-deps --no-index --find-links=wheels logweir

FROM python:3.11-slim-bookworm
# The base image comes without compiled bytecode, and each cold start would compile it again.
ARG STANDARD_LIBRARY=/usr/local/lib/python3.11
RUN python -m compileall -q -x site-packages --invalidation-mode=unchecked-hash $STANDARD_LIBRARY
COPY --from=build /opt/logweir /opt/logweir
ENV PATH=/opt/logweir/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    LOGWEIR_BACKEND=gcp \
    LOGWEIR_HOST=0.0.0.0
USER 65532:65532
EXPOSE 8080
# Cloud Run has a probe of its own and ignores this one; by TCP, since no route tells of health.
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \
    CMD ["python", "-c", "import os, socket; socket.create_connection(('127.0.0.1', int(os.environ.get('PORT', 8080))), 2)"]
ENTRYPOINT ["logweir"]
CMD ["gateway"]
