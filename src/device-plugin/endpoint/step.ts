/**
 * From what is heard of an endpoint to what is to be done: served first, then registered; registered again whenever the
 * kubelet is a new one, and served again whenever its socket is lost. The kubelet removes every socket in its folder when it
 * starts, and forgets all device plugins. Pure: `step` of a state, an event and the time, in milliseconds.
 */
import type { KubeletFolder } from "../kubelet/Kubelet.ts"
import { dialLimit, type Endpoint, firstDelay, longestDelay, none, truce } from "./Endpoint.ts"
import type { Action, Event } from "./events.ts"

interface Step {
  readonly state: Endpoint
  readonly actions: ReadonlyArray<Action>
}

/** What follows from an event: the state after it, and what is to be done, in that order. */
export const step = (state: Endpoint, event: Event, now: number): Step => {
  const heard = hear(state, event, now)
  const next = proceed(heard.state, now)
  return { state: next.state, actions: [...heard.actions, ...next.actions] }
}

/** The next thing to do, where something is and its time has come. */
const proceed = (state: Endpoint, now: number): Step => {
  const { folder, serving, registration, registrations } = state
  if (now < state.notBefore) return { state, actions: [] }
  if (serving === "no" && folder.exists) return { state: { ...state, serving: "asked" }, actions: [{ _tag: "Serve" }] }
  if (serving === "yes" && registration._tag === "None" && folder.socket !== undefined) {
    const number = registrations + 1
    return {
      state: { ...state, registration: { _tag: "Asked", socket: folder.socket }, registrations: number },
      actions: [{ _tag: "Register", number }]
    }
  }
  return { state, actions: [] }
}

const hear = (state: Endpoint, event: Event, now: number): Step => {
  switch (event._tag) {
    case "Looked":
      return hearSocket(hearFolder(state, event.folder), event.socket, now)
    case "Served":
      return { state: { ...state, serving: "yes", streams: 0 }, actions: [show("served, waiting for the kubelet")] }
    case "NotServed":
      return {
        state: later({ ...state, serving: "no" }, now),
        actions: [
          { _tag: "Show", well: false, words: "its socket cannot be made" },
          { _tag: "Count", what: "serve" },
          { _tag: "Say", level: "error", words: `the endpoint cannot be served: ${event.problem}` }
        ]
      }
    case "Registered":
    case "NotRegistered":
      return hearAnswer(state, event, now)
    case "Streams":
      return hearStreams({ ...state, streams: event.open }, now)
    case "Tick":
      return hearNothing(state, now)
  }
}

/** A new kubelet knows nothing of us, nor of failures with the last one. */
const hearFolder = (state: Endpoint, folder: KubeletFolder): Step => {
  if (folder.socket === state.folder.socket) return { state: { ...state, folder }, actions: [] }
  const forgotten = forget(state)
  return { state: { ...forgotten.state, folder, failures: 0, notBefore: 0 }, actions: forgotten.actions }
}

const hearSocket = ({ state, actions }: Step, socket: "none" | "ours" | "lost" | "taken", now: number): Step => {
  if (state.serving !== "yes" || socket === "none" || socket === "ours") return { state, actions }
  const words =
    socket === "lost" ? "the endpoint's socket was removed" : "another device plugin has taken the endpoint's place"
  const ended = endServing(state, words)
  // Not at once: the kubelet is to see the old streams' end before the new registration, not after it.
  const delay = socket === "taken" ? truce : firstDelay
  return { state: later(ended.state, now, delay), actions: [...actions, ...ended.actions] }
}

const hearAnswer = (
  state: Endpoint,
  event: Extract<Event, { readonly _tag: "Registered" | "NotRegistered" }>,
  now: number
): Step => {
  const { registration } = state
  if (registration._tag !== "Asked" || event.number !== state.registrations) return { state, actions: [] }
  // A kubelet that has us under that very path says so: its own socket was only touched.
  const isKnown = event._tag === "NotRegistered" && state.streams > 0 && event.problem.includes("already connected")
  if (event._tag === "Registered" || isKnown) {
    const { socket } = registration
    return {
      state: { ...state, registration: { _tag: "Known", socket, at: now, dialled: state.streams > 0 } },
      actions: [
        { _tag: "Count", what: "registration" },
        show("registered with the kubelet"),
        { _tag: "Say", level: "info", words: "registered with the kubelet" }
      ]
    }
  }
  return {
    state: later({ ...state, registration: none }, now),
    actions: [
      { _tag: "Count", what: "register" },
      show("served, not known to the kubelet"),
      { _tag: "Say", level: "warning", words: `the kubelet does not take the registration: ${event.problem}` }
    ]
  }
}

/** A registration without a stream is none: the kubelet has dropped us. */
const hearStreams = (state: Endpoint, now: number): Step => {
  const { registration, streams } = state
  if (registration._tag !== "Known") return { state, actions: [] }
  if (streams > 0)
    return { state: { ...state, registration: { ...registration, dialled: true }, failures: 0 }, actions: [] }
  if (!registration.dialled) return { state, actions: [] }
  return {
    state: later({ ...state, registration: none }, now),
    actions: [
      show("served, not known to the kubelet"),
      { _tag: "Say", level: "warning", words: "the kubelet has dropped the device plugin" }
    ]
  }
}

/** A kubelet that took us and does not call back may be kept from it by others' connections; a new socket has none. */
const hearNothing = (state: Endpoint, now: number): Step => {
  const { registration } = state
  if (registration._tag !== "Known" || registration.dialled || now < registration.at + dialLimit) {
    return { state, actions: [] }
  }
  const ended = endServing(state, "the kubelet does not call back")
  return { state: later(ended.state, now), actions: ended.actions }
}

const forget = (state: Endpoint): Step => {
  const asked = state.registration._tag === "Asked"
  const known = state.registration._tag !== "None"
  return {
    state: { ...state, registration: none },
    actions: [
      ...(asked ? [{ _tag: "Abandon" } as const] : []),
      ...(known ? [show("served, waiting for the kubelet")] : [])
    ]
  }
}

const endServing = (state: Endpoint, words: string): Step => {
  const forgotten = forget(state)
  return {
    state: { ...forgotten.state, serving: "no", streams: 0 },
    actions: [...forgotten.actions, { _tag: "EndServing" }, { _tag: "Say", level: "warning", words }]
  }
}

const later = (state: Endpoint, now: number, delay?: number): Endpoint => ({
  ...state,
  failures: state.failures + 1,
  notBefore: now + (delay ?? Math.min(firstDelay * 2 ** state.failures, longestDelay))
})

const show = (words: string): Action => ({ _tag: "Show", well: true, words })
