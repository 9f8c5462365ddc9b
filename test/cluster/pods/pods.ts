/** Pods and networks of the checks: how they are described, waited for, looked into. */
import { until } from "../../lab/run.ts"
import { busyboxImage } from "../node/images.ts"
import { inside, mustInside } from "../node/space.ts"
import { apply, getJson, kubectl, kubectlWords, tryKubectl } from "./kubectl.ts"

/** What a check asks of a pod. */
export interface PodWish {
  readonly name: string
  /** Names of networks, or elements as Multus has them. */
  readonly networks?: ReadonlyArray<string | Readonly<Record<string, unknown>>>
  /** Devices of the project's resources: `{ lan: 1 }`. */
  readonly devices?: Readonly<Record<string, number>>
  /** The user, without any capability; root with the runtime's usual ones when left out. */
  readonly user?: number
}

const prefix = "macvtap.network.kubevirt.io"

/** The pod's description, with a shell that sleeps and ends at once when it is told to. */
export const describePod = ({ name, networks = [], devices = {}, user }: PodWish): object => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: {
    name,
    labels: { check: "yes" },
    annotations:
      networks.length === 0
        ? {}
        : {
            "k8s.v1.cni.cncf.io/networks": networks.every((one) => typeof one === "string")
              ? networks.join(",")
              : JSON.stringify(networks.map((one) => (typeof one === "string" ? { name: one } : one)))
          }
  },
  spec: {
    terminationGracePeriodSeconds: 1,
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    containers: [
      {
        name: "shell",
        image: busyboxImage,
        command: ["sh", "-c", "trap exit TERM; sleep 86400 & wait"],
        resources: {
          limits: Object.fromEntries(Object.entries(devices).map(([key, count]) => [`${prefix}/${key}`, String(count)]))
        },
        securityContext:
          user === undefined
            ? {}
            : {
                runAsUser: user,
                runAsGroup: user,
                allowPrivilegeEscalation: false,
                capabilities: { drop: ["ALL"] }
              }
      }
    ]
  }
})

/**
 * A network as a user writes it, with one plugin. Its configuration's name is the cluster's own: whoever tries GC elsewhere on
 * the machine for a network of the same name removes links in every namespace that he sees.
 */
export const describeNetwork = (name: string, plugin: object, resource?: string): object => ({
  apiVersion: "k8s.cni.cncf.io/v1",
  kind: "NetworkAttachmentDefinition",
  metadata: {
    name,
    annotations: resource === undefined ? {} : { "k8s.v1.cni.cncf.io/resourceName": `${prefix}/${resource}` }
  },
  spec: { config: JSON.stringify({ cniVersion: "1.0.0", name: `cluster-${name}`, ...plugin }) }
})

/** Makes all of it in one call. */
export const create = (...things: ReadonlyArray<object>): Promise<string> =>
  apply(JSON.stringify({ apiVersion: "v1", kind: "List", items: things }))

/** Waits until the pods are ready; throws with the events of the first that is not. */
export const ready = async (names: ReadonlyArray<string>, seconds = 30): Promise<void> => {
  const pods = names.map((name) => `pod/${name}`).join(" ")
  const waited = await tryKubectl(`wait --for=condition=Ready ${pods} --timeout=${seconds}s`, {
    timeout: (seconds + 30) * 1000 * 2
  })
  if (waited.status === 0) return
  const late = /pods\/(\S+)|pods "(\S+)"/.exec(waited.stderr)?.slice(1).find(Boolean) ?? names[0] ?? ""
  throw new Error(`${late} is not ready within ${seconds} s: ${(await eventsOf(late)).join(" | ")}`)
}

/** Creates pods and waits for them. */
export const run = async (...wishes: ReadonlyArray<PodWish>): Promise<void> => {
  await create(...wishes.map(describePod))
  await ready(wishes.map(({ name }) => name))
}

/** Removes pods and waits until they are gone from the API server. */
export const remove = async (...names: ReadonlyArray<string>): Promise<void> => {
  await kubectl(`delete pod --ignore-not-found --timeout=90s ${names.join(" ")}`, { timeout: 120_000 })
}

/** What `kubectl describe` shows below Events: reason and message of each, the oldest first; none of an earlier pod's. */
export const eventsOf = async (pod: string): Promise<ReadonlyArray<string>> => {
  const uid = await kubectl(`get pod ${pod} --output=jsonpath={.metadata.uid}`)
  const { items } = await getJson<{ items: ReadonlyArray<{ reason: string; message: string }> }>(
    `events --field-selector involvedObject.uid=${uid} --sort-by=.metadata.creationTimestamp`
  )
  return items.map(({ reason, message }) => `${reason}: ${message}`)
}

/** Waits for an event of a pod that holds all the words, and sees that `kubectl describe` shows them; its text. */
export const eventWith = async (pod: string, ...words: ReadonlyArray<string>): Promise<string> => {
  let found: string | undefined
  let all: ReadonlyArray<string> = []
  await until(
    "the event",
    async () => {
      all = await eventsOf(pod)
      found = all.find((text) => words.every((word) => text.includes(word)))
      return found !== undefined
    },
    60_000
  ).catch(() => {
    throw new Error(`${pod} has no event with ${words.join(", ")}: ${all.join(" | ")}`)
  })
  const described = await kubectl(`describe pod ${pod}`)
  const lacking = words.filter((word) => !described.includes(word))
  if (lacking.length > 0) throw new Error(`kubectl describe pod ${pod} lacks ${lacking.join(", ")}: ${described}`)
  return found ?? ""
}

interface PodStatus {
  readonly status: { readonly containerStatuses: ReadonlyArray<{ readonly containerID: string }> }
}

/** The number of a pod's first container, as the cluster counts. */
export const processOf = async (pod: string, namespace = "default"): Promise<string> => {
  const { status } = await getJson<PodStatus>(`pod ${pod} -n ${namespace}`)
  const id = status.containerStatuses[0]?.containerID.replace("containerd://", "") ?? ""
  return taskOf(id)
}

/** The number of a container's process by its ID. */
export const taskOf = async (id: string): Promise<string> => {
  const tasks = await mustInside(["ctr", "--namespace", "k8s.io", "tasks", "list"])
  const pid = tasks
    .split("\n")
    .find((line) => line.startsWith(id))
    ?.split(/\s+/)[1]
  if (pid === undefined) throw new Error(`containerd has no task ${id}`)
  return pid
}

/** What `ip -j -d` says of a link; only what checks look at. */
export interface IpLink {
  readonly ifindex: number
  readonly ifname: string
  readonly address: string
  readonly mtu: number
  readonly operstate: string
  readonly flags: ReadonlyArray<string>
  readonly linkinfo?: { readonly info_kind?: string; readonly info_data?: { readonly mode?: string } }
  readonly addr_info: ReadonlyArray<{ readonly local: string; readonly prefixlen: number; readonly scope: string }>
}

/** The pod's links with their addresses, by iproute2 in the pod's namespace. */
export const linksOf = async (pod: string): Promise<ReadonlyArray<IpLink>> => {
  const words = ["nsenter", "--target", await processOf(pod), "--net", "ip", "-j", "-d", "address"]
  return JSON.parse(await mustInside(words)) as ReadonlyArray<IpLink>
}

/** The pod's link of that name; throws where it has none. */
export const linkOf = async (pod: string, name = "net1"): Promise<IpLink> => {
  const links = await linksOf(pod)
  const link = links.find(({ ifname }) => ifname === name)
  if (link === undefined) throw new Error(`${pod} has no ${name}: ${links.map(({ ifname }) => ifname).join(", ")}`)
  return link
}

/** Runs a shell's words in a pod, as its user. */
export const inPod = async (pod: string, script: string): Promise<string> => {
  const { status, stdout, stderr } = await inside([...kubectlWords(), "exec", pod, "--", "sh", "-c", script])
  if (status !== 0) throw new Error(`in ${pod}, ${script}: status ${status}: ${stdout}${stderr}`)
  return stdout
}
