/** rtnetlink's operations over a transport: a request, its answer, and what the answer's bodies say. */
import * as Effect from "effect/Effect"
import { decodeAddress } from "../../netlink/address.ts"
import { RTM_NEWADDR, RTM_NEWLINK, RTM_NEWNSID, RTM_NEWROUTE } from "../../netlink/constants.ts"
import { describe } from "../../netlink/describe.ts"
import { decodeLink } from "../../netlink/link.ts"
import type { Message, Request } from "../../netlink/message.ts"
import { decodeNetnsid } from "../../netlink/netnsid.ts"
import * as requests from "../../netlink/requests.ts"
import { decodeRoutes } from "../../netlink/route.ts"
import { type Attributes, traced } from "../../observe/span.ts"
import type { Log } from "../../services/LogService.ts"
import { LinkNotFound, NetlinkError, type Rtnetlink } from "../../services/NetlinkService.ts"
import { type CarryOut, makeCarriers } from "./carryOut.ts"
import type { Answer, Event } from "./conversation.ts"
import type { Transport } from "./Transport.ts"

/** A conversation partner: every request and all that came back goes to the log. */
export const makeRtnetlink = (transport: Transport, log: Log["log"]): Rtnetlink => {
  const { here, waiting, deleting } = makeCarriers(transport)
  const ask = (make: () => Request, carryOut = here): Effect.Effect<ReadonlyArray<Message>, NetlinkError> =>
    Effect.suspend(() => {
      const request = make()
      const { operation } = request
      const verdict = (answer: Answer) =>
        answer._tag === "Answered" ? Effect.succeed(answer.messages) : Effect.fail(refusal(operation, answer))
      const shown = log("debug", () => `> ${operation}: ${describe(request)}`)
      const events: Array<Event> = []
      const asked = Effect.suspend(() => carryOut(request, (event) => void events.push(event)))
      // A log that does not show the level has nothing to do, and is not asked again.
      const answered =
        shown === Effect.void
          ? asked
          : Effect.andThen(
              shown,
              Effect.tap(asked, () => logEvents(log, events))
            )
      return Effect.flatMap(answered, verdict).pipe(
        traced(operation, { "netlink.operation": inGeneral(operation) }, attributesOf)
      )
    })
  const change = (make: () => Request, carryOut?: CarryOut): Effect.Effect<void, NetlinkError> =>
    Effect.asVoid(ask(make, carryOut))

  return {
    linkGet: (link) =>
      ask(() => requests.linkGet(link)).pipe(
        Effect.mapError(missing(link)),
        Effect.flatMap((messages) => {
          const [found] = bodies(messages, RTM_NEWLINK, decodeLink)
          return found === undefined
            ? Effect.fail(new NetlinkError({ operation: requests.linkGet(link).operation, errno: "EPROTO" }))
            : Effect.succeed(found)
        })
      ),
    linkList: Effect.map(ask(requests.linkDump), (messages) => bodies(messages, RTM_NEWLINK, decodeLink)),
    linkAdd: (spec) => change(() => requests.linkAdd(spec, spec.netns?.fd)),
    linkSet: (index, settings) =>
      Effect.mapError(
        // A move waits for an RCU grace period.
        change(
          () => requests.linkSet(index, settings, settings.netns?.fd),
          settings.netns === undefined ? here : waiting
        ),
        missing(index)
      ),
    linkDel: (index) =>
      Effect.mapError(
        change(() => requests.linkDel(index), deleting),
        missing(index)
      ),
    addressAdd: (index, address) => change(() => requests.addressAdd(index, address)),
    addressDel: (index, address) => change(() => requests.addressDel(index, address)),
    addressList: (index) =>
      Effect.map(
        ask(() => requests.addressDump(index)),
        (messages) =>
          bodies(messages, RTM_NEWADDR, decodeAddress).flatMap(({ index: link, ...address }) =>
            link === index ? [address] : []
          )
      ),
    routeAdd: (route) => change(() => requests.routeAdd(route)),
    routeDel: (route) => change(() => requests.routeDel(route)),
    routeList: ({ dev, protocol } = {}) =>
      Effect.map(
        ask(() => requests.routeDump(protocol)),
        (messages) =>
          bodies(messages, RTM_NEWROUTE, decodeRoutes)
            .flat()
            .filter(
              (route) =>
                (dev === undefined || dev === route.dev) && (protocol === undefined || protocol === route.protocol)
            )
      ),
    netnsid: (netns) =>
      Effect.map(
        ask(() => requests.netnsidGet(netns.fd)),
        (messages) => {
          const [id] = bodies(messages, RTM_NEWNSID, decodeNetnsid)
          return id === undefined || id < 0 ? undefined : id
        }
      ),
    kindExists: (kind) =>
      ask(() => requests.kindProbe(kind)).pipe(
        Effect.as(true),
        Effect.catchTag("NetlinkError", (error) =>
          error.errno === "EOPNOTSUPP"
            ? Effect.succeed(false)
            : error.errno === "EINVAL"
              ? Effect.succeed(true)
              : Effect.fail(error)
        )
      )
  }
}

/** All lines at level debug. Whether they are shown is learnt from the first, so that a dump costs one question. */
const logEvents = (log: Log["log"], events: ReadonlyArray<Event>): Effect.Effect<void> => {
  const line = (event: Event): string => ("note" in event ? `! ${event.note}` : `< ${describe(event.message)}`)
  const [first, ...rest] = events
  if (first === undefined) return Effect.void
  let shown = false
  return Effect.flatMap(
    log("debug", () => {
      shown = true
      return line(first)
    }),
    () => (shown ? Effect.forEach(rest, (event) => log("debug", () => line(event)), { discard: true }) : Effect.void)
  )
}

const refusal = (operation: string, { errno, extack }: Extract<Answer, { _tag: "Refused" }>): NetlinkError =>
  new NetlinkError({ operation, errno, ...(extack === undefined ? {} : { extack }) })

/** The link is not there, or not any more. */
const missing =
  (link: string | number) =>
  (error: NetlinkError): LinkNotFound | NetlinkError =>
    error.errno === "ENODEV" ? new LinkNotFound({ link }) : error

/** What the bodies of one type say; those that say nothing we know are left out. */
const bodies = <A>(
  messages: ReadonlyArray<Message>,
  type: number,
  decode: (body: Uint8Array) => A | undefined
): ReadonlyArray<A> => {
  const found: Array<A> = []
  for (const message of messages) {
    const decoded = message.type === type ? decode(message.body) : undefined
    if (decoded !== undefined) found.push(decoded)
  }
  return found
}

/** `ip link set` of `ip link set 1387654321 netns …`: one of few, whatever is asked. */
const inGeneral = (operation: string): string => operation.split(" ", 3).join(" ")

const attributesOf = ({ errno, extack }: NetlinkError): Attributes => ({
  "netlink.errno": errno,
  ...(extack === undefined ? {} : { "netlink.extack": extack })
})
