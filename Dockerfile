# syntax=docker/dockerfile:1
# For amd64 and arm64, without emulation: everything runs on the builder's architecture and makes the target's.
#   docker buildx build --platform linux/amd64,linux/arm64 --tag REGISTRY/macvtap-cni:0.1.0 --push .
# `npm run image` makes the same contents where there is no registry.

FROM --platform=$BUILDPLATFORM docker.io/library/node:24-bookworm-slim AS build
# For the Node of node_modules, which runs the build.
RUN apt-get update && apt-get install --yes --no-install-recommends libatomic1
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY . .
ARG TARGETARCH
RUN case "$TARGETARCH" in amd64) target=x64 ;; *) target=$TARGETARCH ;; esac \
  && npm run build -- --target "$target" --out /plugin/macvtap \
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
