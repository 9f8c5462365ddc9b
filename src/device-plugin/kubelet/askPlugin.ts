/** Whether a device plugin answers on its socket, asked as the kubelet asks it. */
import { credentials, Metadata, status } from "@grpc/grpc-js"
import * as Effect from "effect/Effect"
import { DevicePluginClient } from "../api/v1beta1.ts"

/**
 * `GetDevicePluginOptions`, which changes nothing. Fails with words (`UNAVAILABLE: …ECONNREFUSED…`); a process that is
 * stopped takes the connection and says nothing, hence the limit, in milliseconds.
 */
export const askPlugin = (socket: string, limit: number): Effect.Effect<void, string> =>
  Effect.callback((resume) => {
    const client = new DevicePluginClient(`unix:${socket}`, credentials.createInsecure(), {
      "grpc.use_local_subchannel_pool": 1,
      "grpc.enable_retries": 0
    })
    const call = client.getDevicePluginOptions({}, new Metadata(), { deadline: Date.now() + limit }, (error) => {
      client.close()
      resume(error === null ? Effect.void : Effect.fail(`${status[error.code] ?? error.code}: ${error.details}`))
    })
    return Effect.sync(() => call.cancel())
  })
