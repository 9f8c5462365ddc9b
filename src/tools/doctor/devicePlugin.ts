/** What our device plugin offers: whether it answers for each resource, and whether the kubelet has taken it. */
import { join } from "node:path"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { endpointNames } from "../../devices/endpointName.ts"
import { decodeResources, type Resources, resourcesFile } from "../../devices/resources.ts"
import { readText, statFile } from "../node/files.ts"
import { readRegistered } from "../records/registered.ts"
import { type Finding, fine, note, type Site, wrong } from "./Finding.ts"
import type { Kubelet } from "./kubelet.ts"

const check = "device plugin"
const start = "start the device plugin (kubectl -n macvtap-cni get pods), or look at its log"

/** Milliseconds for an answer. */
const timeLimit = 1000

export interface Offered {
  readonly findings: ReadonlyArray<Finding>
  readonly resources: Resources
}

export const devicePlugin = Effect.fn("devicePlugin")(function* (site: Site, kubelet: Kubelet["state"]) {
  const { findings, resources } = written(site)
  const names = Object.keys(resources)
  if (findings.length > 0) return { findings, resources } satisfies Offered
  if (names.length === 0) {
    return { findings: [fine(check, "it offers no resource on this node")], resources } satisfies Offered
  }
  const registered = registeredIn(site, kubelet)
  const found = yield* Effect.forEach(names, (name) => resourceFinding(site, name, kubelet, registered), {
    concurrency: "unbounded"
  })
  return { findings: [...found, ...kubevirt(site)], resources } satisfies Offered
})

/** Which version of KubeVirt there is, a node does not know; that there is one, by virt-handler's own device plugin. */
const kubevirt = ({ root, kubelet: below }: Site): ReadonlyArray<Finding> =>
  statFile(join(root, below, "kubevirt-kvm.sock")) === undefined
    ? []
    : [
        note(
          "KubeVirt",
          "it is on this node; from version 1.9 on it does not request a network's resource for a virtual machine",
          "install network-resources-injector, or name the resource in the machine (deploy/README.md, KubeVirt)"
        )
      ]

/** What the device plugin wrote down, or why that says nothing. */
const written = ({ root, state }: Site): Offered => {
  const file = join(root, resourcesFile(state))
  const text = readText(file)
  if (text === undefined) {
    const says = `it has not run here (no ${file}); KubeVirt and unprivileged pods get their taps through it`
    const todo = "apply deploy/macvtap-cni.yaml, where this is a node of Kubernetes"
    return { findings: [note(check, says, todo)], resources: {} }
  }
  return Result.match(decodeResources(text), {
    onFailure: (problem) => ({
      findings: [wrong(check, `${file}: ${problem}`, "restart the device plugin, which writes it anew")],
      resources: {}
    }),
    onSuccess: (resources) => ({ findings: [], resources })
  })
}

/** The kubelet writes its checkpoint whenever a plugin's devices change; one that does not run writes nothing. */
const registeredIn = ({ root, kubelet: below }: Site, kubelet: Kubelet["state"]) =>
  kubelet === "answers" ? readRegistered(join(root, below)) : Result.fail("the kubelet does not run")

const resourceFinding = Effect.fnUntraced(function* (
  { root, kubelet: below }: Site,
  name: string,
  kubelet: Kubelet["state"],
  registered: ReturnType<typeof readRegistered>
) {
  const folder = join(root, below)
  const sockets = endpointNames(below, name).map((file) => join(folder, file))
  const socket = sockets.find((path) => statFile(path)?.isSocket() === true) ?? sockets[0] ?? folder
  const subject = `resource "${name}"`
  if (kubelet === "none") return note(check, `it offered ${subject}, but there is no kubelet to take it`)
  if (statFile(socket)?.isSocket() !== true)
    return wrong(check, `${subject}: it does not run: there is no ${socket}`, start)
  const silence = yield* ask(socket)
  if (silence !== undefined) return wrong(check, `${subject}: nobody answers on ${socket}: ${silence}`, start)
  if (Result.isFailure(registered)) {
    return note(check, `${subject}: it answers; whether the kubelet has taken it is not known: ${registered.failure}`)
  }
  const devices = registered.success.get(name)
  return devices === undefined || devices === 0
    ? wrong(
        check,
        `${subject}: it answers, but the kubelet has ${devices === undefined ? "not registered it" : "no device of it"}`,
        "look at its lower device below, at the device plugin's log, and at the kubelet's"
      )
    : fine(
        check,
        `${subject}: it answers, and the kubelet has ${devices === 1 ? "1 device" : `${devices} devices`} of it`
      )
})

/** Why there is no answer; gRPC is evaluated only here. */
const ask = (socket: string): Effect.Effect<string | undefined> =>
  Effect.promise(() => import("../../device-plugin/kubelet/askPlugin.ts")).pipe(
    Effect.flatMap(({ askPlugin }) => askPlugin(socket, timeLimit)),
    Effect.match({ onSuccess: () => undefined, onFailure: (words) => words })
  )
