/**
 * The limits of the transport: one table, each tested at its border. Whoever can reach the port may send anything.
 */

const KIB = 1024
const MIB = 1024 * KIB

/** A table of limits; tests pass smaller ones. */
export interface TransportLimits {
  /** One message of a replica. */
  readonly messageBytesMax: number
  /** One message of a client: a transaction and what is around it. */
  readonly clientMessageBytesMax: number
  /** Bytes that are read of a connection before its handshake is done. */
  readonly handshakeBytesMax: number
  readonly handshakeTimeoutMs: number
  /** Handshakes under way; one more ends the oldest, so that strangers who hold theirs keep nobody out. */
  readonly handshakesMax: number
  /** Connections by which one member sends; one more ends the one that was silent for longest. */
  readonly callsMax: number
  /** TCP connections of all kinds; beyond, new ones are refused. */
  readonly connectionsMax: number
  readonly clientsMax: number
  /** Of them from one address, or one IPv6 network of 64 bits. */
  readonly clientsPerAddressMax: number
  /** Messages that wait for one member; beyond, the oldest are dropped (the replica sends again). */
  readonly outboundBytesMax: number
  /** The same while the member is not connected: a blink is bridged, an absence is not. */
  readonly absentBytesMax: number
  /** Bytes handed to one connection and not yet to the system. */
  readonly socketBytesMax: number
  /** Messages of one peer that wait for their turn; beyond, its connection is not read. */
  readonly inboundBytesMax: number
  /** Bytes of one peer that the host has in work. */
  readonly workingBytesMax: number
  /** Bytes of one member, on average a second; and at once. */
  readonly memberBytesPerSecond: number
  readonly memberBurstBytes: number
  /** Bytes of one client, on average a second; and at once. */
  readonly clientBytesPerSecond: number
  readonly clientBurstBytes: number
  /** Bytes that wait for one client; beyond, it is not heard until it takes them, and ended when it takes nothing for so long. */
  readonly clientUnreadBytesMax: number
  readonly clientUnreadMs: number
  /** The same of all clients; beyond, those go for whom most waits. */
  readonly clientsUnreadBytesMax: number
  /** A connection that is silent so long is asked, and ended when it stays silent twice as long again. */
  readonly silenceMs: number
  /** First and longest pause before a member is called again; the pause doubles. */
  readonly pauseFirstMs: number
  readonly pauseMaxMs: number
}

/** Limits where a test names no others. */
export const transportLimits: TransportLimits = {
  messageBytesMax: 4 * MIB,
  clientMessageBytesMax: 272 * KIB,
  handshakeBytesMax: 8 * KIB,
  handshakeTimeoutMs: 5_000,
  handshakesMax: 64,
  callsMax: 3,
  connectionsMax: 4_096,
  clientsMax: 1_024,
  clientsPerAddressMax: 256,
  outboundBytesMax: 16 * MIB,
  absentBytesMax: 1 * MIB,
  socketBytesMax: 1 * MIB,
  inboundBytesMax: 8 * MIB,
  workingBytesMax: 8 * MIB,
  memberBytesPerSecond: 64 * MIB,
  memberBurstBytes: 32 * MIB,
  clientBytesPerSecond: 1 * MIB,
  clientBurstBytes: 4 * MIB,
  clientUnreadBytesMax: 256 * KIB,
  clientUnreadMs: 60_000,
  clientsUnreadBytesMax: 256 * MIB,
  silenceMs: 10_000,
  pauseFirstMs: 100,
  pauseMaxMs: 4_000,
}
