/**
 * A stand-in for the kubelet's device manager: the same protocol over the same sockets, and the same manners. It dials the
 * endpoint back before it answers Register, drops the plugin when the stream ends, forgets all plugins when it starts (and removes
 * their sockets), keeps allotments in a checkpoint, and gives them from there without asking again.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs"
import {
  type ClientReadableStream,
  credentials,
  Server,
  ServerCredentials,
  type ServiceError,
  status
} from "@grpc/grpc-js"
import {
  type AllocateResponse,
  ContainerAllocateResponse,
  type Device,
  DevicePluginClient,
  type DevicePluginOptions,
  type ListAndWatchResponse,
  type PreferredAllocationResponse,
  type RegisterRequest,
  type RegistrationServer,
  RegistrationService
} from "../../../src/device-plugin/api/v1beta1.ts"
import { until } from "../run.ts"
import { type CheckpointEntry, checkpointPath, writeCheckpoint } from "./checkpoint.ts"

export const domain = "macvtap.network.kubevirt.io"

export interface Endpoint {
  readonly request: RegisterRequest
  readonly client: DevicePluginClient
  /** What GetDevicePluginOptions says. */
  readonly options: DevicePluginOptions
  /** Every answer of ListAndWatch so far, and when it came (Date.now). */
  readonly lists: Array<{ readonly at: number; readonly devices: ReadonlyArray<Device> }>
  readonly stream: ClientReadableStream<ListAndWatchResponse>
}

export interface Allotment {
  readonly devices: ReadonlyArray<string>
  readonly response: ContainerAllocateResponse
}

export interface Kubelet extends AsyncDisposable {
  readonly folder: string
  /** Every registration since the kubelet was first started. */
  readonly registrations: ReadonlyArray<{ readonly at: number; readonly request: RegisterRequest }>
  /** Calls of Allocate and PreStartContainer, by what they were for. */
  readonly calls: ReadonlyArray<string>
  /** The endpoint that serves `macvtap.network.kubevirt.io/<resource>` now. */
  readonly endpoint: (resource: string) => Endpoint | undefined
  /** Waits until the resource has so many healthy devices. */
  readonly healthy: (resource: string, count: number, timeout?: number) => Promise<void>
  /** Healthy devices of the resource now; 0 where there is no plugin for it. */
  readonly healthyNow: (resource: string) => number
  /** The UID of the pod that has the device, by the checkpoint; undefined where nobody has it. */
  readonly ownerOf: (deviceID: string) => string | undefined
  /** What a pod's container gets of a resource: asked for the first time, from the checkpoint ever after. */
  readonly allocate: (pod: string, resource: string, count?: number) => Promise<Allotment>
  /** Before each start of the pod's containers. Rejects with what the plugin says. */
  readonly preStart: (pod: string, resource: string) => Promise<void>
  /** The pod is gone: its devices are free. */
  readonly free: (pod: string) => void
  /** SIGKILL: streams break, the socket stays as a file. */
  readonly stop: () => Promise<void>
  /** A new process: removes every socket, reads the checkpoint, listens. */
  readonly start: () => Promise<void>
}

/** One call: `answer<Empty>((respond) => client.register(request, respond))`. */
const answer = <A>(call: (respond: (error: ServiceError | null, response: A) => void) => unknown): Promise<A> =>
  new Promise((resolve, reject) => {
    call((error, response) => (error === null ? resolve(response) : reject(error)))
  })

/**
 * How kubelets take two device plugins of one resource, by their sources: 1.37 has one for each socket, uses the one that
 * came last, and refuses a socket that it has; 1.30 has one, and drops that one whichever's stream ends.
 */
export type Release = "1.37" | "1.30"

export const startKubelet = async (folder: string, release: Release = "1.37"): Promise<Kubelet> => {
  const checkpoint = checkpointPath(folder)
  const registrations: Array<{ at: number; request: RegisterRequest }> = []
  const calls: Array<string> = []
  /** By resource, the one that is used at last. */
  const endpoints = new Map<string, ReadonlyArray<Endpoint>>()
  /** By resource, the last list that any of its endpoints told. */
  const lists = new Map<string, ReadonlyArray<Device>>()
  let entries: ReadonlyArray<CheckpointEntry> = []
  let server: Server | undefined

  const save = (): void => writeCheckpoint(folder, entries)

  const drop = (ended: Endpoint): void => {
    const { resourceName } = ended.request
    const all = endpoints.get(resourceName) ?? []
    const dropped = release === "1.37" ? all.filter((endpoint) => endpoint === ended) : all
    endpoints.set(
      resourceName,
      all.filter((endpoint) => !dropped.includes(endpoint))
    )
    if (dropped.length === all.length) lists.delete(resourceName)
    for (const { client, stream } of dropped) {
      stream.cancel()
      client.close()
    }
  }

  const dial = async (request: RegisterRequest): Promise<void> => {
    const others = endpoints.get(request.resourceName) ?? []
    if (release === "1.37" && others.some((other) => other.request.endpoint === request.endpoint)) {
      throw new Error(`device plugin already connected: ${request.endpoint}`)
    }
    const client = new DevicePluginClient(`unix:${folder}/${request.endpoint}`, credentials.createInsecure(), {
      "grpc.use_local_subchannel_pool": 1
    })
    const options = await answer<DevicePluginOptions>((respond) => client.getDevicePluginOptions({}, respond))
    const endpoint: Endpoint = { request, client, options, lists: [], stream: client.listAndWatch({}) }
    endpoints.set(request.resourceName, [
      ...(release === "1.37" ? (endpoints.get(request.resourceName) ?? []) : []),
      endpoint
    ])
    endpoint.stream.on("data", ({ devices }: ListAndWatchResponse) => {
      lists.set(request.resourceName, devices)
      endpoint.lists.push({ at: Date.now(), devices })
    })
    endpoint.stream.on("error", () => drop(endpoint))
    endpoint.stream.on("end", () => drop(endpoint))
  }

  const calling: RegistrationServer = {
    register: ({ request }, respond) => {
      if (request.version !== "v1beta1")
        return respond({ code: status.INVALID_ARGUMENT, details: "unsupported version" })
      dial(request).then(
        () => {
          registrations.push({ at: Date.now(), request })
          respond(null, {})
        },
        (error) => respond({ code: status.UNKNOWN, details: String(error) })
      )
    }
  }

  const start = async (): Promise<void> => {
    mkdirSync(folder, { recursive: true })
    for (const name of readdirSync(folder)) {
      if (!name.startsWith("kubelet_internal_checkpoint")) rmSync(`${folder}/${name}`, { recursive: true, force: true })
    }
    try {
      entries = JSON.parse(readFileSync(checkpoint, "utf8")).Data.PodDeviceEntries
    } catch {
      entries = []
    }
    const next = new Server()
    next.addService(RegistrationService, calling)
    await new Promise<void>((resolve, reject) => {
      next.bindAsync(`unix:${folder}/kubelet.sock`, ServerCredentials.createInsecure(), (error) =>
        error === null ? resolve() : reject(error)
      )
    })
    server = next
  }

  const stop = async (): Promise<void> => {
    for (const endpoint of [...endpoints.values()].flat()) {
      endpoint.stream.cancel()
      endpoint.client.close()
    }
    endpoints.clear()
    lists.clear()
    server?.forceShutdown()
    server = undefined
  }

  const endpoint = (resource: string): Endpoint | undefined => endpoints.get(`${domain}/${resource}`)?.at(-1)
  const healthyDevices = (resource: string): ReadonlyArray<Device> =>
    (lists.get(`${domain}/${resource}`) ?? []).filter(({ health }) => health === "Healthy")

  const allocate = async (pod: string, resource: string, count = 1): Promise<Allotment> => {
    const ResourceName = `${domain}/${resource}`
    const known = entries.find((entry) => entry.PodUID === pod && entry.ResourceName === ResourceName)
    const given = (entry: CheckpointEntry): Allotment => ({
      devices: Object.values(entry.DeviceIDs).flat(),
      response: ContainerAllocateResponse.decode(Buffer.from(entry.AllocResp, "base64"))
    })
    if (known !== undefined) return given(known)
    const plugin = endpoint(resource)
    if (plugin === undefined) throw new Error(`no plugin for ${ResourceName}`)
    const taken = new Set(entries.flatMap((entry) => Object.values(entry.DeviceIDs).flat()))
    const available = healthyDevices(resource)
      .map(({ ID }) => ID)
      .filter((id) => !taken.has(id))
    if (available.length < count) throw new Error(`only ${available.length} devices of ${ResourceName} are free`)
    // Reserved before anything is asked, as another pod's allocation may come meanwhile.
    const place = {
      PodUID: pod,
      ContainerName: "c",
      ResourceName,
      DeviceIDs: { "-1": [] as ReadonlyArray<string> },
      AllocResp: ""
    }
    const { containerResponses } = await answer<PreferredAllocationResponse>((respond) =>
      plugin.client.getPreferredAllocation(
        { containerRequests: [{ availableDeviceIDs: available, mustIncludeDeviceIDs: [], allocationSize: count }] },
        respond
      )
    )
    const nowTaken = new Set(entries.flatMap((entry) => Object.values(entry.DeviceIDs).flat()))
    const preferred = (containerResponses[0]?.deviceIDs ?? []).filter((id) => !nowTaken.has(id))
    const devices = [...preferred, ...available.filter((id) => !preferred.includes(id) && !nowTaken.has(id))].slice(
      0,
      count
    )
    place.DeviceIDs = { "-1": devices }
    entries = [...entries, place]
    calls.push(`Allocate ${devices.join()}`)
    try {
      const response = await answer<AllocateResponse>((respond) =>
        plugin.client.allocate({ containerRequests: [{ devicesIds: [...devices] }] }, respond)
      )
      const [own] = response.containerResponses
      if (own === undefined) throw new Error("Allocate answered nothing for the container")
      const bytes = ContainerAllocateResponse.encode(own).finish()
      const entry: CheckpointEntry = { ...place, AllocResp: Buffer.from(bytes).toString("base64") }
      entries = entries.map((other) => (other === place ? entry : other))
      save()
      return given(entry)
    } catch (error) {
      entries = entries.filter((other) => other !== place)
      throw error
    }
  }

  await start()
  return {
    folder,
    registrations,
    calls,
    endpoint,
    healthyNow: (resource) => healthyDevices(resource).length,
    healthy: (resource, count, timeout) =>
      until(`${count} healthy devices of ${resource}`, () => healthyDevices(resource).length === count, timeout),
    ownerOf: (deviceID) => entries.find((entry) => Object.values(entry.DeviceIDs).flat().includes(deviceID))?.PodUID,
    allocate,
    preStart: async (pod, resource) => {
      const { devices } = await allocate(pod, resource)
      const plugin = endpoint(resource)
      if (plugin === undefined) throw new Error(`no plugin for ${resource}`)
      if (!plugin.request.options?.preStartRequired) return
      calls.push(`PreStartContainer ${devices.join()}`)
      await answer((respond) => plugin.client.preStartContainer({ devicesIds: [...devices] }, respond))
    },
    free: (pod) => {
      entries = entries.filter((entry) => entry.PodUID !== pod)
      save()
    },
    stop,
    start,
    [Symbol.asyncDispose]: stop
  }
}
