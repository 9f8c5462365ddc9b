/** CHECK: the container has what ADD answered, and what the configuration asks for. Any difference is an error. */
import * as Effect from "effect/Effect"
import { CniError, codes } from "../../cni/call/CniError.ts"
import type { Attachment } from "../../cni/call/Environment.ts"
import type { Result } from "../../cni/result/Result.ts"
import { quote } from "../../wire/foreign.ts"
import { checkAddresses } from "../addresses/check.ts"
import { ipamForward } from "../addresses/ipam.ts"
import { ConfigService } from "../ConfigService.ts"
import { checkHostAccess } from "../hostAccess/check.ts"
import { checkLink } from "../link/check.ts"
import { hostPlace, placeAt } from "../link/place.ts"
import { differs } from "../refusal/differs.ts"

export const check = Effect.gen(function* () {
  const { attachment, link: config, prevResult } = yield* ConfigService
  const host = yield* hostPlace
  const container = yield* placeAt(attachment.netns)
  yield* ipamForward("CHECK")
  if (prevResult === undefined)
    return yield* new CniError({ code: codes.invalidConfig, msg: "required prevResult missing" })
  const index = ownIndex(prevResult, attachment)
  const entry = prevResult.interfaces[index]
  if (entry === undefined) {
    return yield* differs(
      `prevResult has no interface "${attachment.ifname}" in sandbox ${quote(attachment.netns)}`,
      "the runtime must pass the final result of ADD for this very attachment"
    )
  }
  const link = yield* container.route
    .linkGet(attachment.ifname)
    .pipe(
      Effect.catchTag("LinkNotFound", () =>
        differs(
          `container interface ${attachment.ifname} not found`,
          "it was removed, or its master was: the links of a master that is deleted or recreated go with it"
        )
      )
    )
  yield* checkLink(host, container, link, entry)
  yield* checkAddresses(container, link, prevResult, index)
  if (config.hostAccess) yield* checkHostAccess(host, link, prevResult, index)
})

/** Where this attachment's entry is in prevResult, by which ips and routes refer to it; -1 where there is none. */
const ownIndex = ({ interfaces }: Result, { ifname, netns }: Attachment): number =>
  interfaces.findLastIndex(({ name, sandbox }) => name === ifname && sandbox === netns)
