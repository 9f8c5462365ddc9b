/**
 * A link kind is a value: a table of its attributes (IFLA_INFO_DATA), from which encoder, decoder and configuration are
 * derived. Shared code asks a kind for its properties (`device: "tap"`), never for its name.
 */
import type { Attribute } from "../wire/attribute.ts"
import type { LinkOptions, OptionValue } from "./Link.ts"

/**
 * How one attribute's value is written on the wire and read from it, and which values there are. Methods, since a table
 * holds codecs of different values: TypeScript takes `AttributeCodec<number>` for an `AttributeCodec` only that way.
 */
export interface AttributeCodec<A extends OptionValue = OptionValue> {
  /** The attribute's payload. Given only values that `parse` accepts. */
  encode(value: A): Uint8Array
  /** undefined where the bytes make no sense: the attribute is then skipped, never an error. */
  decode(payload: Uint8Array): A | undefined
  /**
   * A configuration value as JSON has it, in the form that `decode` gives, so that the two can be compared; undefined
   * where it is none of the attribute's values.
   */
  parse(value: unknown): A | undefined
  /** What `parse` takes, for messages: `one of bridge, vepa, private, passthru, source`. */
  readonly expected: string
  /** All values, where they are few. */
  readonly values?: ReadonlyArray<A>
}

export interface LinkAttribute {
  /** IFLA_MACVLAN_MODE … */
  readonly type: number
  readonly codec: AttributeCodec
  /** The configuration key that sets it; absent: not configurable. */
  readonly key?: string
  /** What ADD asks for where the configuration is silent; absent: the kernel's default. */
  readonly default?: OptionValue
  /** Whether CHECK compares what is configured with what is. */
  readonly checked?: boolean
  /** What the kernel wants beside it whenever it is sent, and never reports. */
  readonly companions?: ReadonlyArray<Attribute>
}

export interface LinkKind {
  /** IFLA_INFO_KIND, and the `type` of configurations. */
  readonly kind: string
  /** The device node that the kernel makes beside the link. */
  readonly device?: "tap"
  /** Whether links get IFF_ALLMULTI where the configuration is silent (`allmulti`). */
  readonly allmulti: boolean
  /** By option name. */
  readonly attributes: Readonly<Record<string, LinkAttribute>>
  /** Whether a link with these options goes up in a request of its own, after its other flags are set. */
  readonly upLast?: (options: LinkOptions) => boolean
  /** Whether a link with these options takes its parent for itself: no other link can be on it. */
  readonly exclusive?: (options: LinkOptions) => boolean
  /** What is wrong with a combination of options, in words that name the key, or undefined. */
  readonly validate?: (options: LinkOptions) => string | undefined
}
