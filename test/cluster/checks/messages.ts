/** What a pod's owner reads in `kubectl describe` where something is wrong. */

import { create, describePod, eventWith, type PodWish, ready, remove, run } from "../pods/pods.ts"
import type { Check } from "./Check.ts"

/** A pod that cannot start: the event has all the words, and it is the check's evidence. */
const refused = async (wish: PodWish, ...words: ReadonlyArray<string>): Promise<string> => {
  await create(describePod(wish))
  const text = await eventWith(wish.name, ...words)
  await remove(wish.name)
  return toldByPlugin(text)
}

/** An event without what the kubelet, the runtime and Multus put around the plugin's words. */
export const toldByPlugin = (event: string): string =>
  /error adding container to network.*?(?=': StdinData|$)/s.exec(event)?.[0] ?? event

const wrongMaster: Check = {
  name: "message: wrong master",
  claim: "What kubectl describe shows of the pod names the master that is not there.",
  prove: () =>
    refused({ name: "wrong-master", networks: ["no-such-master"] }, "FailedCreatePodSandBox", "eth7", "master")
}

const forgottenRequest: Check = {
  name: "message: forgotten request",
  short: true,
  claim: "A pod on a resource's network that asks for no device reads what it forgot.",
  prove: () => refused({ name: "forgotten", networks: ["lan"] }, "FailedCreatePodSandBox", "deviceID", "resource")
}

const noDeviceLeft: Check = {
  name: "message: no device left",
  claim: "With every device taken the scheduler says which resource is short, and the pod starts when one is free.",
  prove: async () => {
    const pod = (name: string): PodWish => ({ name, networks: ["pair"], devices: { pair: 1 } })
    await run(pod("pair-1"), pod("pair-2"))
    await create(describePod(pod("pair-3")))
    const text = await eventWith("pair-3", "FailedScheduling", "macvtap.network.kubevirt.io/pair")
    await remove("pair-1")
    await ready(["pair-3"])
    await remove("pair-2", "pair-3")
    return `${text}; after one was freed it started`
  }
}

export const messageChecks: ReadonlyArray<Check> = [wrongMaster, forgottenRequest, noDeviceLeft]
