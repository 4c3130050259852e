/**
 * What goes on behind a client of a ledger: who is asked for blocks, what is taken, and when that is enough.
 */

import { VitalsealError } from '../errors.ts'
import type { Progress } from '../primitives/progress.ts'
import type { RandomSource } from '../primitives/random.ts'
import type { Verifier } from '../primitives/signature.ts'
import type { VerifiedChain } from './connect-chain.ts'
import { createEndpoint, type Endpoint, type LaterFrame } from './connect-endpoint.ts'
import { createIntake } from './connect-intake.ts'
import { createReach, type Reach, type Wait } from './connect-reach.ts'
import { certainHeight, chooseSources, faultMaxOf } from './connect-sources.ts'
import { createDeferred, createSubmissions, type Submissions } from './connect-submissions.ts'
import type { Socket } from './socket.ts'

/** Blocks taken before the window is moved on. */
const CONFIRM_EVERY = 4
/** Heights told by each of f + 1 endpoints, without a new block, before those who were asked are found wanting. */
const NEWS_MAX = 4

/** Beats without a block after which connecting is given up, though somebody claims to have more. */
const IDLE_BEATS_MAX = 30

/** A client at work. */
export interface Session {
  readonly submissions: Submissions
  readonly reach: Reach
  /** Resolves when what the ledger had for certain, when the endpoints answered, is taken. */
  readonly ready: Promise<void>
  /** Throws where the client has ended. */
  assertOpen(): void
  /** Calls back when nothing more will come; returns what ends that. */
  onEnd(listener: (error: VitalsealError) => void): () => void
  /** Ends connecting, as the caller wishes. */
  readonly abort: () => void
  readonly close: () => void
}

/** Starts to connect. */
export function startSession(options: {
  readonly chain: VerifiedChain
  readonly urls: readonly string[]
  readonly openSocket: (url: string) => Socket
  readonly wait: Wait | undefined
  readonly verifier: Verifier
  readonly random: RandomSource
  readonly onProgress: ((progress: Progress) => void | Promise<void>) | undefined
}): Session {
  const { chain, urls, openSocket, wait, verifier, random, onProgress } = options
  const { chainId } = chain.ledger.genesis
  const heightFirst = chain.height()
  const ready = createDeferred<undefined>()
  const listeners = new Set<(error: VitalsealError) => void>()
  let isReady = false
  let failure: VitalsealError | undefined
  /** Heights told by each endpoint since the last block. */
  const news = new Map<Endpoint, number>()
  let heightAtBeat = -1
  let idleBeats = 0

  const endpoints: readonly Endpoint[] = urls.map((url) =>
    createEndpoint({
      url,
      chainId,
      openSocket,
      verifier,
      random,
      listener: { onProved, onFrame, onMisuse: stop },
    }),
  )
  const submissions = createSubmissions({
    chain,
    broadcast: (frame) => {
      for (const endpoint of endpoints) endpoint.send(frame)
    },
  })
  const intake = createIntake({
    chain,
    onTaken,
    onIdle() {
      confirm()
      settleReady()
    },
    onLie: steer,
    onFailure: (error) => {
      stop(error as VitalsealError)
    },
  })
  const reach = createReach({
    endpoints,
    wait,
    random,
    isOver: () => failure !== undefined,
    isAwaiting: () => submissions.size > 0 || isBehind(),
    onChange() {
      steer()
      settleReady()
    },
    onBeat,
    onUnreachable: giveUp,
    onFailure: (error) => {
      stop(error as VitalsealError)
    },
  })

  const isPresent = ({ state }: Endpoint) => state === 'proved'
  const certain = () => certainHeight(endpoints, chain.members())
  const isBehind = () => certain() > chain.height()

  function onProved(endpoint: Endpoint): void {
    intake.forget(endpoint)
    steer()
    for (const frame of submissions.frames()) endpoint.send(frame)
    settleReady()
  }

  function onFrame(endpoint: Endpoint, frame: LaterFrame): void {
    switch (frame.kind) {
      case 'block':
        intake.push(endpoint, frame)
        return
      case 'answer':
        submissions.onAnswer(endpoint, frame)
        return
      case 'head':
        endpoint.height = frame.height
        news.set(endpoint, (news.get(endpoint) ?? 0) + 1)
        if (!isBehind()) return
        if (isNewsEnough()) findWanting()
        // News may come in one go, and then none for long: whoever was asked last must not keep the client waiting until then.
        reach.beat()
    }
  }

  /** One endpoint alone must not be able to turn the client away from the others. */
  function isNewsEnough(): boolean {
    const tellers = [...news.values()].filter((count) => count >= NEWS_MAX)
    return tellers.length > faultMaxOf(chain.members())
  }

  async function onTaken(): Promise<void> {
    news.clear()
    submissions.review()
    if (chain.height() % CONFIRM_EVERY === 0) confirm()
    if (isReady) return
    const total = Math.max(certain(), chain.height()) - heightFirst
    await onProgress?.({ done: chain.height() - heightFirst, total, step: 'catch up' })
    settleReady()
  }

  function onBeat(): void {
    submissions.review()
    const isIdle = isBehind() && chain.height() === heightAtBeat
    heightAtBeat = chain.height()
    idleBeats = isIdle ? idleBeats + 1 : 0
    if (isIdle) findWanting()
    // All were asked, again and again: they claim what they do not have.
    if (!isReady && idleBeats > IDLE_BEATS_MAX) stop(unreachable())
  }

  /** Asks those for blocks who should be asked now, and no others. */
  function steer(): void {
    const members = chain.members()
    const countMax = wait === undefined ? endpoints.length : faultMaxOf(members) + 1
    const chosen = chooseSources(endpoints, { members, countMax })
    for (const endpoint of endpoints.filter(isPresent)) {
      if (chosen.includes(endpoint)) ask(endpoint, endpoint.asked ?? chain.height())
      else ask(endpoint, null)
    }
  }

  /** Moves the windows on. */
  function confirm(): void {
    for (const endpoint of endpoints) if (endpoint.asked !== null) ask(endpoint, chain.height())
  }

  function ask(endpoint: Endpoint, height: number | null): void {
    if (endpoint.asked === height) return
    endpoint.asked = height
    endpoint.send({ kind: 'follow', height })
  }

  /** Nothing came though there is more: others are asked. */
  function findWanting(): void {
    news.clear()
    for (const endpoint of endpoints) if (endpoint.asked !== null) endpoint.stalls++
    steer()
  }

  /** Resolves when enough have answered to know a height for certain, and that height is reached. */
  function settleReady(): void {
    if (isReady || failure !== undefined) return
    const members = chain.members()
    const answered = endpoints.filter(
      ({ state, member, failures }) => member !== undefined || state === 'banned' || failures > 0,
    )
    const isKnown = answered.length >= Math.min(endpoints.length, members.length - faultMaxOf(members))
    if (!isKnown || !endpoints.some(isPresent) || isBehind()) return
    isReady = true
    ready.resolve(undefined)
  }

  /** Gives up what waits: nobody can be reached. */
  function giveUp(): void {
    const error = unreachable()
    if (!isReady || endpoints.every(({ state }) => state === 'banned')) stop(error)
    else {
      submissions.fail(error)
      // With `wait` they are called again and again, and followers go on when one answers.
      if (wait === undefined) for (const listener of listeners) listener(error)
    }
  }

  function unreachable(): VitalsealError {
    const answered = endpoints.filter(({ member }) => member !== undefined).length
    const details = { endpoints: endpoints.length, answered }
    const cause = endpoints.map(({ problem }) => problem).find((problem) => problem !== undefined)
    const message = `no endpoint can be reached, of ${endpoints.length}; check the network, submitting again is safe`
    return new VitalsealError('ERR_CHAIN_UNREACHABLE', message, { details, cause })
  }

  /** Ends for good; with an error for everybody who waits. */
  function stop(error: VitalsealError): void {
    if (failure !== undefined) return
    failure = error
    intake.close()
    ready.reject(error)
    submissions.fail(error)
    for (const listener of listeners) listener(error)
    for (const endpoint of endpoints) endpoint.close()
  }

  return {
    submissions,
    reach,
    ready: ready.promise,
    assertOpen() {
      if (failure !== undefined) throw failure
    },
    onEnd(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    abort() {
      if (isReady) return
      stop(endpoints.some(isPresent) ? aborted('ended by the signal of the caller') : unreachable())
    },
    close() {
      // Followers end without an error: that is what was asked for.
      listeners.clear()
      chain.feed.close()
      stop(aborted('the ledger was closed'))
    },
  }
}

function aborted(message: string): VitalsealError {
  return new VitalsealError('ERR_ABORTED', message, { details: {} })
}
