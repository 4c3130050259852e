/**
 * Byzantine strategies: an unmodified replica whose messages are changed on their way out by someone who has its key and
 * sees all that it is sent. Twins need no change: one key runs twice, both unmodified.
 */

import type { Means, Saboteur } from './means.ts'
import type { Strategy } from './scenario.ts'
import { claimUnsigned, flood, floodQuota, garbage, replay, replayElsewhere } from './strategies-noise.ts'
import { forgeViewChange, lieInTransfer, orderNothing, orderWrong, tellOldViewChange } from './strategies-views.ts'
import {
  equivocate,
  lieAboutCheckpoints,
  proposeAgain,
  selectiveSilence,
  voteForAll,
  withhold,
  withholdBatch,
  wrongDigest,
} from './strategies-votes.ts'

/** Everything, or proposals alone, a little later than the others can bear for ever, and before they give up. */
function delay(means: Means, isLate: (kind: string) => boolean): Saboteur {
  const delayMs = means.timeoutMs * (0.4 + 0.5 * means.draws.next())
  return { send: (message, to) => [{ to, bytes: message.bytes, delayMs: isLate(message.kind) ? delayMs : 0 }] }
}

const strategies: Readonly<Record<Strategy, (means: Means) => Saboteur | undefined>> = {
  silent: () => ({ send: () => [] }),
  'selective-silence': selectiveSilence,
  delay: (means) => delay(means, () => true),
  'slow-proposals': (means) => delay(means, (kind) => kind === 'pre-prepare'),
  withhold,
  'withhold-batch': withholdBatch,
  equivocate,
  'vote-for-all': voteForAll,
  'wrong-digest': wrongDigest,
  'propose-again': proposeAgain,
  'forged-view-change': forgeViewChange,
  'stale-view-change': tellOldViewChange,
  'null-new-view': orderNothing,
  'wrong-new-view': orderWrong,
  replay,
  'replay-elsewhere': replayElsewhere,
  'lie-in-transfer': lieInTransfer,
  'checkpoint-liar': lieAboutCheckpoints,
  'unsigned-claims': claimUnsigned,
  garbage,
  flood,
  'quota-flood': floodQuota,
  twins: () => undefined,
}

/** Returns a strategy at work; undefined for twins. */
export function createSaboteur(strategy: Strategy, means: Means): Saboteur | undefined {
  return strategies[strategy](means)
}
