/**
 * The gateway: the phone or box between one device and the ledger (DP's smartphone, HC's user node, CL's PDA).
 *
 * A device cannot sign transactions; it seals each reading to its gateway by HPKE in auth mode, with a counter in the info
 * string, so that nobody else can send in its name and no frame counts twice, also not after a restart: the highest counter
 * is stored before the reading is used. A gateway serves one device. It acts for the account as a delegate that publishes;
 * what it has sealed stays queued until the ledger has it.
 */

import { fail, succeed, VitalsealError, type Result } from '../errors.ts'
import { parseResource, type ParseOptions, type Resource } from '../fhir/index.ts'
import { createAgreementKey, isAgreementPublicKey, type AgreementKey } from '../primitives/agreement.ts'
import { copyBytes, equalBytes, type Bytes } from '../primitives/bytes.ts'
import { encodeCbor } from '../primitives/codec.ts'
import type { Did } from '../primitives/did.ts'
import { openHpke, sealHpke } from '../primitives/hpke.ts'
import { COUNTER_MAX } from '../primitives/limits.ts'
import { randomBytes, type RandomSource } from '../primitives/random.ts'
import { bytesOf, bytesUpTo, encodeShape, parseShape, tuple, uint } from '../primitives/shape.ts'
import { LEDGER_TAGS } from '../primitives/tags.ts'
import type { Blockstore } from '../storage/index.ts'
import { actorOf, createActorCore, type Actor, type ActorOptions, type Sealed } from './actor.ts'
import { createOutbox, sealAndRecord } from './sealing.ts'

/** Port: the highest counter that was accepted; `save` resolves when it is durable. */
export interface CounterStore {
  /** The highest counter that was saved; 0 before the first. */
  load(): Promise<number>
  /** Resolves when the counter is durable. */
  save(counter: number): Promise<void>
}

/** Longest reading of a device. */
export const FRAME_READING_BYTES_MAX = 15_000

const frameShape = tuple({
  counter: uint(COUNTER_MAX, 1),
  enc: bytesOf(32),
  ciphertext: bytesUpTo(FRAME_READING_BYTES_MAX + 16),
})

function linkInfo(of: { readonly device: Uint8Array; readonly gateway: Uint8Array; readonly counter: number }): Bytes {
  return encodeCbor([LEDGER_TAGS.deviceLink, of.device, of.gateway, of.counter])
}

/** The device's end of the link, for firmware that can run it, tests and demos. */
export interface Device {
  /** X25519 public key, 32 bytes: what a gateway is paired with. */
  readonly publicKey: Bytes
  /** Seals one reading for the gateway. The counter counts up by one; keep it over restarts. */
  seal(reading: Uint8Array): Bytes
}

/**
 * Returns a device.
 *
 * @param options - `secretKey`: 32 bytes; `gateway`: its public key; `counterNext`: default 1
 */
export function createDevice(
  options: { readonly secretKey: Uint8Array; readonly gateway: Uint8Array; readonly counterNext?: number },
  random: RandomSource = randomBytes,
): Device {
  const { secretKey, gateway, counterNext = 1 } = options
  const sender = createAgreementKey(secretKey)
  let counter = counterNext
  return {
    publicKey: sender.publicKey,
    seal(reading) {
      const info = linkInfo({ device: sender.publicKey, gateway, counter })
      const sealed = sealHpke({ recipient: gateway, info, plaintext: reading, sender }, random)
      return encodeShape({ counter: counter++, ...sealed }, frameShape, { object: 'frame' })
    },
  }
}

/** Opens frames of one device, each once. */
export interface DeviceLink {
  /** The reading, once; `ERR_DECRYPTION_FAILED` for everything that is not the next frame of this device. */
  open(frame: Uint8Array): Promise<Result<Bytes, 'ERR_DECRYPTION_FAILED'>>
}

/** Returns the gateway's end of a link. */
export function createDeviceLink(options: {
  readonly agreement: AgreementKey
  readonly device: Uint8Array
  readonly counters: CounterStore
}): DeviceLink {
  const { agreement, counters } = options
  if (!isAgreementPublicKey(options.device)) {
    throw new VitalsealError('ERR_CRYPTO_INVALID_POINT', '"device" expected a canonical X25519 key', {
      path: 'device',
      details: { group: 'x25519' },
    })
  }
  const device = copyBytes(options.device)
  const refused = fail('ERR_DECRYPTION_FAILED', 'no frame of this device that is still expected', {
    path: 'frame',
    details: {},
  })
  let turn: Promise<unknown> = Promise.resolve()

  async function open(frame: Uint8Array): Promise<Result<Bytes, 'ERR_DECRYPTION_FAILED'>> {
    const parsed = parseShape(frame, frameShape, { object: 'frame' })
    if (!parsed.ok) return refused
    const { counter, enc, ciphertext } = parsed.value
    if (counter <= (await counters.load())) return refused
    const info = linkInfo({ device, gateway: agreement.publicKey, counter })
    const reading = openHpke({ recipient: agreement, enc, info, ciphertext, sender: device })
    if (reading === undefined) return refused
    await counters.save(counter)
    return succeed(reading)
  }

  return {
    open(frame) {
      // One at a time: the same frame twice at once must not pass twice.
      const result = turn.then(() => open(frame))
      turn = result.catch(() => undefined)
      return result
    },
  }
}

/** Between one device and the ledger. */
export interface Gateway extends Actor {
  /** Pairs with the one device of this gateway; a second device is refused. */
  pair(device: Uint8Array): void
  /**
   * Opens a frame, classifies the reading by its type, seals it and waits until it is on the ledger.
   *
   * @throws When the frame is not the next one of the paired device: `ERR_DECRYPTION_FAILED`; when the reading is unusable:
   *   `ERR_FHIR_INVALID` or `ERR_FHIR_UNIT`. {@link VitalsealError}
   */
  receive(frame: Uint8Array): Promise<Sealed>
  /** Readings that wait for the ledger. */
  readonly queued: number
  /** Sends what waits, oldest first; resolves when the queue is empty, rejects where the ledger cannot be reached. */
  flush(): Promise<readonly Sealed[]>
}

/**
 * Returns a gateway that acts for a patient's account.
 *
 * @param options - `patient` and `slot`: the account, and the delegate slot that the patient gave to this identity
 */
export async function createGateway(
  options: ActorOptions & {
    readonly patient: Did
    readonly slot: number
    readonly counters: CounterStore
    readonly outbox?: Blockstore
    readonly parse?: ParseOptions
  },
): Promise<Gateway> {
  const { identity, ledger, clock, patient, slot, counters, parse = {} } = options
  const core = createActorCore(options, { delegateOf: { patient, slot } })
  const view = await ledger.view({ patient })
  await core.follower.reached(view.height)
  const outbox = createOutbox(options.outbox)
  const queue: Resource[] = []
  let device: Uint8Array | undefined
  let link: DeviceLink | undefined
  let turn: Promise<unknown> = Promise.resolve()

  const sealNext = async (resource: Resource): Promise<Sealed> =>
    sealAndRecord(core, resource, {
      outbox,
      kind: 'iot',
      key: () => core.keyRing.sealingKey(resource.dataType),
      // A gateway that only publishes waits for the owner's next epoch: what it holds stays queued.
      renew: () => Promise.resolve(),
      record: ({ label, epoch }, record) => core.submit({ kind: 'iot', record, label, epoch }),
    })

  async function drain(): Promise<readonly Sealed[]> {
    const sealed: Sealed[] = []
    for (let next = queue[0]; next !== undefined; next = queue[0]) {
      sealed.push(await sealNext(next))
      queue.shift()
    }
    return sealed
  }

  const flush = () => {
    const result = turn.then(drain)
    turn = result.catch(() => undefined)
    return result
  }

  return {
    ...actorOf(core),
    get queued() {
      return queue.length
    },
    pair(publicKey) {
      if (device !== undefined && !equalBytes(device, publicKey)) {
        throw new VitalsealError(
          'ERR_ARGUMENT_INVALID',
          '"device" expected the one device of this gateway, found another',
          {
            path: 'device',
            details: { argument: 'device', expected: 'the one device of this gateway', found: 'another' },
          },
        )
      }
      device = copyBytes(publicKey)
      link ??= createDeviceLink({ agreement: identity.agreement, device, counters })
    },
    async receive(frame) {
      const opened = link === undefined ? undefined : await link.open(frame)
      if (opened?.ok !== true) {
        throw new VitalsealError('ERR_DECRYPTION_FAILED', 'no frame of the paired device that is still expected', {
          details: {},
        })
      }
      const resource = parseResource(opened.value, { receivedAtMs: clock(), ...parse })
      if (!resource.ok)
        throw new VitalsealError(resource.code, resource.message, { path: resource.path, details: resource.details })
      queue.push(resource.value)
      const sealed = await flush()
      return sealed.at(-1) as Sealed
    },
    flush,
  }
}
