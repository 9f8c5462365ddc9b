/** DNS settings, which a network passes from its configuration to its result. */
import * as Result from "effect/Result"
import { type Decoder, list, struct } from "../decode/decode.ts"
import { orElse, text } from "../decode/decoders.ts"

/** Empty lists and empty texts are left out. */
export interface Dns {
  readonly nameservers?: ReadonlyArray<string>
  readonly domain?: string
  readonly search?: ReadonlyArray<string>
  readonly options?: ReadonlyArray<string>
}

const texts: Decoder<ReadonlyArray<string> | undefined> = (value) =>
  Result.map(list(orElse(text, ""))(value), (decoded) => (decoded.length === 0 ? undefined : decoded))

export const dns: Decoder<Dns> = struct({ nameservers: texts, domain: text, search: texts, options: texts })

export const isEmptyDns = (value: Dns): boolean => Object.keys(value).length === 0
