/** The kubelet of this node: its folder by the file system, its Registration service by gRPC. */
import { statSync } from "node:fs"
import { credentials, status } from "@grpc/grpc-js"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import { type Allotment, defaultKubeletFolder, readCheckpoint } from "../../devices/checkpoint.ts"
import { type RegisterRequest, RegistrationClient } from "../api/v1beta1.ts"
import { resourceDomain } from "../config/Config.ts"
import { identityOf, watchFolder } from "../config/watchFolder.ts"
import { Kubelet, RegistrationError } from "./Kubelet.ts"

/** Milliseconds for the kubelet's answer. */
const timeLimit = 5000

/** A socket that is only chmodded counts as a new one: one registration too many does no harm. */
const socketIdentity = (path: string): string | undefined => {
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false })
  return stats?.isSocket() === true ? `${identityOf(path)}:${stats.ctimeNs}` : undefined
}

/** A connection of its own each time: one that is kept would go on trying, by its own clock, to reach a dead kubelet. */
const register = (socket: string, request: RegisterRequest): Effect.Effect<void, RegistrationError> =>
  Effect.callback((resume) => {
    const client = new RegistrationClient(`unix:${socket}`, credentials.createInsecure(), {
      "grpc.use_local_subchannel_pool": 1,
      "grpc.enable_retries": 0
    })
    const call = client.register(request, (error) => {
      client.close()
      resume(
        error === null
          ? Effect.void
          : Effect.fail(
              new RegistrationError({
                resource: request.resourceName,
                problem: `${status[error.code] ?? error.code}: ${error.details}`
              })
            )
      )
    })
    const timer = setTimeout(() => call.cancel(), timeLimit)
    call.on("status", () => clearTimeout(timer))
    return Effect.sync(() => call.cancel())
  })

const orUndefined = <A>(read: () => A): Effect.Effect<A | undefined> =>
  Effect.sync(() => {
    try {
      return read()
    } catch {
      return undefined
    }
  })

const ourDevices = (allotments: ReadonlyArray<Allotment>): ReadonlySet<string> =>
  new Set(
    allotments
      .filter(({ resource }) => resource.startsWith(`${resourceDomain}/`))
      .flatMap(({ deviceIDs }) => [...deviceIDs])
  )

export const kubeletLive = ({
  folder = defaultKubeletFolder
}: {
  readonly folder?: string
} = {}): Layer.Layer<Kubelet> => {
  const socket = `${folder}/kubelet.sock`
  return Layer.succeed(Kubelet, {
    folder,
    look: Effect.map(
      orUndefined(() => socketIdentity(socket)),
      (identity) => ({ exists: identityOf(folder) !== undefined, socket: identity })
    ),
    changes: watchFolder(folder),
    register: (request) => register(socket, request),
    allotted: Effect.suspend(() => {
      const allotments = readCheckpoint(folder)
      if (Result.isSuccess(allotments)) return Effect.succeed(allotments.success && ourDevices(allotments.success))
      return Effect.as(Effect.logWarning(allotments.failure), undefined)
    })
  })
}
