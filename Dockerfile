# syntax=docker/dockerfile:1
# For amd64 and arm64, without emulation: everything runs on the builder's architecture and makes the target's.
#   docker buildx build --platform linux/amd64,linux/arm64 --tag REGISTRY/macvtap-cni:0.1.0 --push .
# `npm run image` makes the same contents where there is no registry.

FROM --platform=$BUILDPLATFORM docker.io/library/node:24-bookworm-slim AS build
ARG BUILDARCH
ARG TARGETARCH
# For the Node of node_modules, which runs the build; and a C compiler for the client, with the kernel's headers.
RUN case "$BUILDARCH/$TARGETARCH" in \
    amd64/arm64) compiler="gcc-aarch64-linux-gnu libc6-dev-arm64-cross" ;; \
    arm64/amd64) compiler="gcc-x86-64-linux-gnu libc6-dev-amd64-cross" ;; \
    *) compiler="gcc libc6-dev" ;; \
  esac \
  && apt-get update && apt-get install --yes --no-install-recommends libatomic1 $compiler
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY . .
RUN case "$TARGETARCH" in amd64) target=x64 ;; *) target=$TARGETARCH ;; esac \
  && npm run build -- --target "$target" --out /plugin/macvtap && test -x /plugin/macvtap-client \
  && install -D --mode=0644 LICENSE /plugin/usr/share/doc/macvtap-cni/copyright

FROM --platform=$BUILDPLATFORM docker.io/library/debian:bookworm-slim AS libraries
ARG TARGETARCH
COPY scripts/image/libraries.sh /
RUN /libraries.sh "$TARGETARCH" /libraries

FROM scratch
COPY --from=libraries /libraries /
COPY --from=build /plugin /
LABEL org.opencontainers.image.title="macvtap-cni" \
  org.opencontainers.image.version="0.1.0" \
  org.opencontainers.image.licenses="Apache-2.0"
ENTRYPOINT ["/macvtap"]
