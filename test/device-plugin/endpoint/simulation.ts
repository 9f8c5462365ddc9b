/** A node in virtual time around one endpoint: a kubelet that restarts, refuses or is mute, and sockets that are lost. */
import { alarm, type Endpoint, initial } from "../../../src/device-plugin/endpoint/Endpoint.ts"
import type { Action, Event } from "../../../src/device-plugin/endpoint/events.ts"
import { step } from "../../../src/device-plugin/endpoint/step.ts"

/** How the kubelet takes registrations: as it should, not at all, without an answer, or without calling back. */
export const moods = ["takes", "refuses", "hangs", "mute"] as const
export type Mood = (typeof moods)[number]

export const disturbances = [
  "kubelet stops",
  "kubelet starts",
  "stream ends",
  "socket removed",
  "place taken",
  "folder removed",
  "sockets fail",
  "sockets work",
  "offered anew",
  "look"
] as const
export type Disturbance = (typeof disturbances)[number]

/** Milliseconds that the kubelet takes for an answer, for calling back, and for not answering at all. */
const answerTime = 3
const dialTime = 2
const timeLimit = 5000

interface Due {
  readonly at: number
  readonly run: () => void
}

export class Simulation {
  now = 1_000_000
  state: Endpoint = initial
  mood: Mood = "takes"
  /** What goes against the rules: two registrations at once, two sockets at once, a registration of what is not served. */
  readonly faults: Array<string> = []
  #kubelets = 0
  #kubelet: number | undefined
  #folder = true
  #socket: "none" | "ours" | "lost" | "taken" = "none"
  #socketsWork = true
  #calling: number | undefined
  #streams = 0
  #due: Array<Due> = []

  /** Whether the kubelet that is there has called back, and lists our devices. */
  get known(): boolean {
    return this.#kubelet !== undefined && this.#streams > 0 && this.state.registration._tag === "Known"
  }

  disturb(what: Disturbance): void {
    switch (what) {
      case "kubelet stops":
        this.#kubelet = undefined
        this.#end()
        break
      case "kubelet starts":
        this.#folder = true
        this.#kubelet = ++this.#kubelets
        this.#lose("lost")
        this.#end()
        break
      case "stream ends":
        this.#end()
        break
      case "socket removed":
        this.#lose("lost")
        break
      case "place taken":
        this.#lose("taken")
        break
      case "folder removed":
        this.#folder = false
        this.#kubelet = undefined
        this.#lose("lost")
        break
      case "sockets fail":
        this.#socketsWork = false
        break
      case "sockets work":
        this.#socketsWork = true
        break
      case "offered anew":
        this.state = initial
        this.#calling = undefined
        this.#socket = "none"
        this.#end()
        break
      case "look":
        break
    }
    this.#after(1, () => this.#hear(this.#look()))
  }

  /** Lets time pass. */
  pass(milliseconds: number): void {
    const end = this.now + milliseconds
    while (true) {
      const tick = alarm(this.state)
      const next = this.#due.reduce<Due | undefined>(
        (first, due) => (first && first.at <= due.at ? first : due),
        undefined
      )
      const at = Math.min(
        next?.at ?? Number.POSITIVE_INFINITY,
        Math.max(tick ?? Number.POSITIVE_INFINITY, this.now + 1)
      )
      if (at > end) break
      this.now = at
      if (next !== undefined && next.at === at) {
        this.#due = this.#due.filter((due) => due !== next)
        next.run()
      } else this.#hear({ _tag: "Tick" })
    }
    this.now = end
  }

  #look = (): Event => ({
    _tag: "Looked",
    folder: { exists: this.#folder, socket: this.#kubelet === undefined ? undefined : `kubelet ${this.#kubelet}` },
    socket: this.#socket
  })

  #after(milliseconds: number, run: () => void): void {
    this.#due.push({ at: this.now + milliseconds, run })
  }

  #lose(how: "lost" | "taken"): void {
    if (this.#socket !== "none") this.#socket = how
  }

  #end(): void {
    this.#streams = 0
    this.#after(1, () => this.#hear({ _tag: "Streams", open: this.#streams }))
  }

  #hear(event: Event): void {
    const { state, actions } = step(this.state, event, this.now)
    this.state = state
    for (const action of actions) this.#perform(action)
  }

  #perform(action: Action): void {
    switch (action._tag) {
      case "Serve":
        if (this.#socket !== "none") this.faults.push("a second socket is made")
        if (this.#folder && this.#socketsWork) this.#socket = "ours"
        this.#hear(this.#socket === "ours" ? { _tag: "Served" } : { _tag: "NotServed", problem: "no" })
        break
      case "EndServing":
        if (this.#socket === "none") this.faults.push("what is not served is ended")
        this.#socket = "none"
        this.#streams = 0
        break
      case "Register":
        this.#register(action.number)
        break
      case "Abandon":
        if (this.#calling === undefined) this.faults.push("no registration is abandoned")
        this.#calling = undefined
        break
      case "Show":
      case "Say":
      case "Count":
        break
    }
  }

  #register(number: number): void {
    if (this.#calling !== undefined) this.faults.push("two registrations at once")
    if (this.#socket === "none") this.faults.push("what is not served is registered")
    this.#calling = number
    const answer = (event: Event): void => {
      // Also what was abandoned may still be heard of, late.
      if (this.#calling === number) this.#calling = undefined
      this.#hear(event)
    }
    const kubelet = this.#kubelet
    if (kubelet === undefined || this.mood === "refuses" || this.mood === "hangs") {
      const delay = kubelet !== undefined && this.mood === "hangs" ? timeLimit : answerTime
      this.#after(delay, () => answer({ _tag: "NotRegistered", number, problem: "no" }))
      return
    }
    this.#after(answerTime, () => answer({ _tag: "Registered", number }))
    if (this.mood === "mute") return
    this.#after(answerTime + dialTime, () => {
      if (this.#kubelet !== kubelet || this.#socket !== "ours") return
      this.#streams = 1
      this.#hear({ _tag: "Streams", open: 1 })
    })
  }
}
