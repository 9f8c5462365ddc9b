/** Asks an agent for its status as whoever runs it: `node stranger.ts SOCKET` prints what it says. */
import { connect, nextPacket, sendCall } from "./handmade.ts"

using client = connect(process.argv[2] ?? "")
sendCall(client, "macvtap 1 status", [])
const packet = await nextPacket(client)
process.stdout.write(packet === "ended" ? packet : `${packet.text}${Buffer.from(packet.rest)}`)
