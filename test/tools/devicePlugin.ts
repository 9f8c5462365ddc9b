/** A device plugin that answers the kubelet's first question, on a socket in the folder of a scene. */
import { mkdir } from "node:fs/promises"
import { dirname } from "node:path"
import { Server, ServerCredentials } from "@grpc/grpc-js"
import { DevicePluginService } from "../../src/device-plugin/api/v1beta1.ts"

/** Answers until the end of the block. */
export const servePlugin = async (socket: string): Promise<Disposable> => {
  const server = new Server()
  server.addService(DevicePluginService, {
    getDevicePluginOptions: (_: unknown, callback: (error: null, options: object) => void) =>
      callback(null, { preStartRequired: true, getPreferredAllocationAvailable: true }),
    listAndWatch: () => {},
    allocate: () => {},
    getPreferredAllocation: () => {},
    preStartContainer: () => {}
  })
  await mkdir(dirname(socket), { recursive: true })
  await new Promise<void>((resolve, reject) =>
    server.bindAsync(`unix:${socket}`, ServerCredentials.createInsecure(), (error) =>
      error === null ? resolve() : reject(error)
    )
  )
  return { [Symbol.dispose]: () => server.forceShutdown() }
}

/** The kubelet's checkpoint: which pods (by UID) have which devices, and which devices it knows of. */
export const checkpoint = (
  pods: Readonly<Record<string, ReadonlyArray<readonly [resource: string, deviceID: string]>>>,
  registered: Readonly<Record<string, ReadonlyArray<string>>> = {}
): string =>
  JSON.stringify({
    Data: {
      PodDeviceEntries: Object.entries(pods).flatMap(([PodUID, devices]) =>
        devices.map(([resource, deviceID]) => ({
          PodUID,
          ContainerName: "c",
          ResourceName: `macvtap.network.kubevirt.io/${resource}`,
          DeviceIDs: { "-1": [deviceID] },
          AllocResp: ""
        }))
      ),
      RegisteredDevices: Object.fromEntries(
        Object.entries(registered).map(([name, ids]) => [`macvtap.network.kubevirt.io/${name}`, ids])
      )
    },
    Checksum: 1
  })
