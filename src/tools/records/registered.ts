/** Which resources of ours the kubelet has taken, and how many of their devices it can give: by its checkpoint. */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { checkpointFile } from "../../devices/checkpoint.ts"
import { resourceDomain } from "../../devices/resources.ts"
import { readDocument } from "./document.ts"

const checkpoint = {
  complaint: "makes no sense",
  // 40 resources of 1000 devices are 0.5 MB.
  longest: 4 * 1024 * 1024,
  bounds: { parts: 200_000, depth: 16 },
  schema: Schema.Struct({
    Data: Schema.Struct({
      RegisteredDevices: Schema.optionalKey(
        Schema.NullOr(Schema.Record(Schema.String, Schema.NullOr(Schema.Array(Schema.String))))
      )
    })
  })
}

/** The healthy devices of each resource, by its name without the domain; or in words why that cannot be said. */
export const readRegistered = (kubeletFolder: string): Result.Result<ReadonlyMap<string, number>, string> => {
  const file = checkpointFile(kubeletFolder)
  return readDocument(file, checkpoint).pipe(
    Result.flatMap((document) => (document === undefined ? Result.fail("is not there") : Result.succeed(document))),
    Result.mapBoth({
      onFailure: (problem) => `${file} ${problem}`,
      onSuccess: ({ Data }) =>
        new Map(
          Object.entries(Data.RegisteredDevices ?? {}).flatMap(([name, devices]) =>
            name.startsWith(`${resourceDomain}/`) ? [[name.slice(resourceDomain.length + 1), devices?.length ?? 0]] : []
          )
        )
    })
  )
}
