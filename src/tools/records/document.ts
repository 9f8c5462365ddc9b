/** Documents of others, read as such: bounded, without waiting, and what is wrong with one said with line or key. */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { describeJsonFault, parseJson } from "../../cni/decode/json.ts"
import { readBounded } from "../../devices/readBounded.ts"
import { type JsonBounds, parseBounded } from "../../wire/boundedJson.ts"

/** A kind of document. */
export interface DocumentKind<A> {
  /** Words for what is wrong, before which a file's path stands: `is no record of an attachment`. */
  readonly complaint: string
  /** Bytes. */
  readonly longest: number
  /** For documents that may be longer than a plugin's stdin. */
  readonly bounds?: JsonBounds
  readonly schema: Schema.Decoder<A>
}

/** undefined where there is no such file; else in words why it says nothing, to be put behind its path. */
export const readDocument = <A>(file: string, kind: DocumentKind<A>): Result.Result<A | undefined, string> =>
  readBounded(file, kind.longest).pipe(
    Result.flatMap((text) => (text === undefined ? Result.succeed(undefined) : decodeDocument(text, kind)))
  )

/** The document in a text. */
export const decodeDocument = <A>(text: string, kind: DocumentKind<A>): Result.Result<A, string> => {
  const { bounds, complaint } = kind
  const parsed = bounds === undefined ? Result.mapError(parseJson(text), describeJsonFault) : parseBounded(text, bounds)
  return parsed.pipe(
    Result.mapError((problem) => `${complaint}: ${problem}`),
    Result.flatMap((value) => decodeValue(value, kind))
  )
}

/** The document that a value is. */
export const decodeValue = <A>(
  value: unknown,
  { complaint, schema }: Pick<DocumentKind<A>, "complaint" | "schema">
): Result.Result<A, string> =>
  Result.mapError(Schema.decodeUnknownResult(schema)(value), (fault) => `${complaint}: ${faultOf(fault)}`)

/** `Expected string, got 7 at ["containerId"]`: what Schema says in several lines, in one. */
const faultOf = ({ message }: { readonly message: string }): string => message.replaceAll(/\s*\n\s*/g, " ")
