/** rtnetlink's operations over a transport: a request, its answer, and what the answer's bodies say. */
import * as Effect from "effect/Effect"
import { decodeAddress } from "../../netlink/address.ts"
import { RTM_NEWADDR, RTM_NEWLINK, RTM_NEWROUTE } from "../../netlink/constants.ts"
import { describe } from "../../netlink/describe.ts"
import { decodeLink } from "../../netlink/link.ts"
import type { Message, Request } from "../../netlink/message.ts"
import * as requests from "../../netlink/requests.ts"
import { decodeRoutes } from "../../netlink/route.ts"
import type { LogService } from "../../services/LogService.ts"
import { LinkNotFound, NetlinkError, type Rtnetlink } from "../../services/NetlinkService.ts"
import { converse, type Event, type Transport } from "./conversation.ts"

type Log = LogService["Service"]["log"]

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

/** All lines at level debug. Whether they are shown is learnt from the first, so that a dump costs one question. */
const logEvents = (log: Log, events: ReadonlyArray<Event>): Effect.Effect<void> => {
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

/** A conversation partner: every request and all that came back goes to the log. */
export const makeRtnetlink = (transport: Transport, log: Log): Rtnetlink => {
  let sequence = 0
  const ask = (make: () => Request): Effect.Effect<ReadonlyArray<Message>, NetlinkError> =>
    Effect.suspend(() => {
      const request = make()
      const { operation } = request
      return Effect.flatMap(
        log("debug", () => `> ${operation}: ${describe(request)}`),
        () => {
          const events: Array<Event> = []
          const answer = converse(
            transport,
            request,
            () => ++sequence,
            (event) => void events.push(event)
          )
          return Effect.flatMap(logEvents(log, events), () =>
            answer._tag === "Answered"
              ? Effect.succeed(answer.messages)
              : Effect.fail(
                  new NetlinkError({
                    operation,
                    errno: answer.errno,
                    ...(answer.extack === undefined ? {} : { extack: answer.extack })
                  })
                )
          )
        }
      )
    })
  const change = (make: () => Request): Effect.Effect<void, NetlinkError> => Effect.asVoid(ask(make))

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
        change(() => requests.linkSet(index, settings, settings.netns?.fd)),
        missing(index)
      ),
    linkDel: (index) =>
      Effect.mapError(
        change(() => requests.linkDel(index)),
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
