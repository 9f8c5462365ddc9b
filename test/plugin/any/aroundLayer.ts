/** The services of an in-memory kernel with something around each request, as happens between a process and the kernel. */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { type Around, aroundEach } from "../../../src/mock/faults/aroundEach.ts"
import type { Kernel } from "../../../src/mock/Kernel.ts"
import { mockLayer } from "../../../src/mock/layer.ts"
import { DelegateService } from "../../../src/services/DelegateService.ts"
import { NetlinkService } from "../../../src/services/NetlinkService.ts"
import { NetnsService } from "../../../src/services/NetnsService.ts"
import { ReservationService } from "../../../src/services/ReservationService.ts"
import { TapService } from "../../../src/services/TapService.ts"

export const aroundLayer = (kernel: Kernel, around: Around): ReturnType<typeof mockLayer> => {
  const plain = mockLayer(kernel)
  const with_ = <I, S extends object>(service: Context.Service<I, S>) =>
    Layer.effect(
      service,
      service.useSync((it) => aroundEach(it, around))
    ).pipe(Layer.provide(plain as Layer.Layer<I>))
  const netlink = NetlinkService.useSync(({ changes, connect }) => {
    const around_ = aroundEach({ changes, connect }, around)
    return NetlinkService.of({
      changes: around_.changes,
      connect: (netns) => Effect.map(around_.connect(netns), (route) => aroundEach(route, around))
    })
  })
  return Layer.mergeAll(
    plain,
    Layer.effect(NetlinkService, netlink).pipe(Layer.provide(plain)),
    with_(NetnsService),
    with_(TapService),
    with_(ReservationService),
    with_(DelegateService)
  )
}
