// Planted bugs: each changes one place of the core. The mutation gate demands that the simulator kills every one.

/** One planted bug. */
export interface Mutant {
  readonly name: string
  /** What goes wrong, in one sentence. */
  readonly bug: string
  /** File below src/pbft. */
  readonly file: string
  readonly find: string
  readonly replace: string
  /** Replicas of the groups in which it can show; any when left out. */
  readonly replicaCount?: number
  /** Whether the replicas stand behind inboxes; as the seed has it when left out. */
  readonly verification?: 'deciding'
  /** What is to find it; seeds when left out. */
  readonly by?: 'twins' | 'crash-points' | 'regressions'
}

export const mutants: readonly Mutant[] = [
  {
    name: 'quorum-minus-one',
    bug: 'Q is one too small: two quorums may share faulty replicas only',
    file: 'quorum.ts',
    find: 'const quorum = Math.ceil((replicaCount + faultMax + 1) / 2)',
    replace: 'const quorum = Math.max(1, Math.ceil((replicaCount + faultMax + 1) / 2) - 1)',
  },
  {
    name: 'two-f-plus-one',
    bug: 'Q is 2f + 1 whatever n is, as the papers have it',
    file: 'quorum.ts',
    find: 'const quorum = Math.ceil((replicaCount + faultMax + 1) / 2)',
    replace: 'const quorum = 2 * faultMax + 1',
    replicaCount: 5,
  },
  {
    name: 'paper-thresholds',
    bug: 'more than 2f PREPAREs of backups and more than 2f + 1 COMMITs, read literally',
    file: 'quorum.ts',
    find: 'const quorum = Math.ceil((replicaCount + faultMax + 1) / 2)',
    replace: 'const quorum = 2 * faultMax + 2',
    replicaCount: 4,
  },
  {
    name: 'digest-not-compared',
    bug: 'votes are counted by view alone, whatever batch they are for',
    file: 'log.ts',
    find: 'if (body.view !== wanted.view || !equalBytes(body.digest, wanted.digest) || signature === null) continue',
    replace:
      'if (body.view !== wanted.view || (false && equalBytes(body.digest, wanted.digest)) || signature === null) continue',
  },
  {
    name: 'prepared-not-carried',
    bug: 'VIEW-CHANGE leaves out what was prepared: the next leader restarts the numbers, as the papers say',
    file: 'new-view.ts',
    find: 'const prepared = log.slots().flatMap((slot) => (slot.prepared === undefined ? [] : [slot.prepared]))',
    replace:
      'const prepared = log.slots().flatMap((slot) => (slot.sequence > 0 || slot.prepared === undefined ? [] : [slot.prepared]))',
  },
  {
    name: 'lowest-view-decides',
    bug: 'of two certificates for one number the older decides',
    file: 'view-change.ts',
    find: 'if (earlier === undefined || view > earlier.view) chosen.set(sequence, certificate)',
    replace: 'if (earlier === undefined || view < earlier.view) chosen.set(sequence, certificate)',
  },
  {
    name: 'commit-not-persisted',
    bug: 'COMMIT leaves before the prepared certificate is written',
    file: 'normal-case.ts',
    find: "core.outbox.persist(encodeRecord({ kind: 'prepared', certificate: slot.prepared, batch: null, commit: commit.bytes }))",
    replace: 'void encodeRecord',
  },
  {
    name: 'send-before-durable',
    bug: 'nothing waits for the disk',
    file: 'outbox.ts',
    find: "if (to.length > 0) this.#effects.push({ kind: 'send', to, bytes, after: this.#lastIndex })",
    replace: "if (to.length > 0) this.#effects.push({ kind: 'send', to, bytes, after: -1 })",
  },
  {
    name: 'votes-forgotten',
    bug: 'a restart reads proposals but not the votes for them',
    file: 'replay.ts',
    find: "core.guard.record({ kind: isOwn ? 'pre-prepare' : 'prepare', view, sequence, digest })",
    replace: 'if (isOwn || sequence > 0) { slot.accepted = undefined; return }',
  },
  {
    name: 'nothing-resent',
    bug: 'what was lost is never sent again: STATUS is not answered',
    file: 'status.ts',
    find: "  if (body.mode === 'recovering') sendTo",
    replace: "  if (body.mode !== 'recovering') return\n  if (body.mode === 'recovering') sendTo",
  },
  {
    name: 'signer-from-field',
    bug: 'who voted is believed, not verified',
    file: 'authenticate.ts',
    find: 'if (!verifier.verify({ signer: message.from, digest, signature })) return invalidSignature(message.from)',
    replace: 'if (digest.length !== 32) return invalidSignature(message.from)',
  },
  {
    name: 'prepare-from-proposer',
    bug: 'the proposer is counted twice: by its PRE-PREPARE and by a PREPARE',
    file: 'normal-case.ts',
    find: 'if (message.signer === proposerOf(core.settings, message.body.view, message.body.sequence)) {',
    replace: 'if (message.signer < 0) {',
  },
  {
    name: 'view-without-cap',
    bug: 'one VIEW-CHANGE takes everyone along, to any view',
    file: 'new-view.ts',
    find: 'if (later.length < core.settings.weakQuorum) return',
    replace: 'if (later.length < 1) return',
  },
  {
    name: 'executed-out-of-order',
    bug: 'a committed number is executed though an earlier one is not',
    file: 'execution.ts',
    find: 'const slot = core.log.find(core.executed + 1)\n    if (slot?.committed === undefined) return',
    replace:
      'const slot = core.log.slots().find((one) => one.sequence > core.executed && one.committed !== undefined)\n    if (slot?.committed === undefined) return',
  },
  {
    name: 'view-change-counted-twice',
    bug: 'VIEW-CHANGEs are counted as messages, not by member',
    file: 'new-view.ts',
    find: 'if (proof.length < core.settings.quorum) return',
    replace: 'if (2 * proof.length < core.settings.quorum) return',
  },
  {
    name: 'order-believed',
    bug: 'a NEW-VIEW is entered without computing O again',
    file: 'view-change.ts',
    find: "return isSame ? null : 'another order than follows from its view changes'",
    replace: "return isSame || body.view >= 0 ? null : 'another order than follows from its view changes'",
    replicaCount: 4,
  },
  {
    name: 'view-in-header',
    bug: 'the header depends on the view in which a block was committed',
    file: 'execution.ts',
    find: 'const applied = core.application.apply({ requests: batch.requests, timeMs: batch.timeMs }, height)',
    replace:
      'const applied = core.application.apply({ requests: batch.requests, timeMs: batch.timeMs + commit.view }, height)',
  },
  {
    name: 'certificates-not-checked',
    bug: 'a VIEW-CHANGE may claim anything to be prepared',
    file: 'authenticate.ts',
    find: "if (!verifyPrepared(settings, verifier, certificate)) return 'an invalid prepared certificate'",
    replace: 'void verifyPrepared',
  },
  {
    name: 'block-without-proof',
    bug: 'a block of a peer is executed on its word',
    file: 'authenticate.ts',
    find: "if (commit !== null && (commit.sequence !== height || !verifyCommit(settings, verifier, commit))) return 'a commit'",
    replace: 'void verifyCommit',
  },
  {
    name: 'segment-torn',
    bug: 'the first record of a log segment lets go of the old ones (found by seed 261)',
    file: 'outbox.ts',
    find: 'if (at === records.length - 1) this.#keepFrom = first',
    replace: 'if (at === 0) this.#keepFrom = first',
    by: 'crash-points',
  },
  {
    name: 'awaits-own-view-only',
    bug: 'a replica waits for Q votes for its own view, though others have gone on to later ones (found by seed 1176)',
    file: 'new-view.ts',
    find: 'const ready = [...core.viewChanges.values()].filter(({ body }) => body.view >= core.view)',
    replace: 'const ready = [...core.viewChanges.values()].filter(({ body }) => body.view === core.view)',
  },
  {
    name: 'second-proposal-halts',
    bug: 'a second proposal of a faulty leader stops a replica that has committed the first (found by seed 1713)',
    file: 'normal-case.ts',
    find: "return 'another batch than was committed'",
    replace: "{ core.outbox.add({ kind: 'halt', height: sequence, reason: 'planted' }); return 'another batch' }",
  },
  {
    name: 'no-recovery',
    bug: 'an empty disk votes at once',
    file: 'recovery.ts',
    find: 'if (recovery.target === undefined || log.stable < recovery.target) return',
    replace: 'if (log.stable < 0) return',
  },
  {
    name: 'dedup-lost',
    bug: 'a restored application has forgotten what it executed',
    file: 'simulator/application.ts',
    find: 'done = new Set(restored.executed)',
    replace: 'done = new Set()',
  },
  {
    name: 'later-prepared-ignored',
    bug: 'of two batches prepared for one number the first stays, though a later view prepared the other',
    file: 'normal-case.ts',
    find: 'accepted.signature === null || slot.prepared?.view === core.view) return',
    replace: 'accepted.signature === null || slot.prepared !== undefined) return',
  },
  {
    name: 'proposal-not-compared',
    bug: 'a backup votes for a second proposal too',
    file: 'normal-case.ts',
    find: 'const earlier = slot.accepted ?? slot.waiting',
    replace: 'const earlier = slot.waiting',
  },
  {
    name: 'equivocation-untold',
    bug: 'two votes of one member for one number are noticed and not told',
    file: 'normal-case.ts',
    find: "accuse(core, earlier, message)\n  reject(core, message, 'a second vote for one sequence number')",
    replace: "reject(core, message, 'a second vote for one sequence number')",
  },
  {
    name: 'chain-not-signed',
    bug: 'the signature of a vote does not name its group: votes of another cluster count',
    file: 'message.ts',
    find: 'return [chainDigest, memberEpoch, signer, view, sequence, digest]',
    replace: 'return [chainDigest.subarray(0, 0), memberEpoch, signer, view, sequence, digest]',
  },
  {
    name: 'epoch-not-signed',
    bug: 'the signature of an EXEC-VOTE does not name its epoch',
    file: 'message.ts',
    find: 'return [chainDigest, memberEpoch, sequence, headerDigest]',
    replace: 'return [chainDigest, 0 * memberEpoch, sequence, headerDigest]',
  },
  {
    name: 'certificate-asked-of-many',
    bug: 'a certificate that one replica alone has is not asked for (found by seed 6466)',
    file: 'status.ts',
    find: 'if (isBehind(core) || mayLackCertificates(core)) fetchBlocks(core)',
    replace: 'if (isBehind(core)) fetchBlocks(core)',
    by: 'regressions',
  },
  {
    name: 'inbox-unverified',
    bug: 'votes are counted as if they were verified as soon as there are enough',
    file: 'inbox.ts',
    find: 'const checked = verifyMessage(this.#settings, this.#verifier, message)',
    replace:
      'const checked = isVote(message) ? ({ ok: true, value: message as never, message: "" } as const) : verifyMessage(this.#settings, this.#verifier, message)',
    verification: 'deciding',
  },
  {
    name: 'twin-outvotes',
    bug: 'Q is one too small, found by twins alone',
    file: 'quorum.ts',
    find: 'const quorum = Math.ceil((replicaCount + faultMax + 1) / 2)',
    replace: 'const quorum = Math.max(1, Math.ceil((replicaCount + faultMax + 1) / 2) - 1)',
    by: 'twins',
  },
  {
    name: 'twin-orders-anew',
    bug: 'VIEW-CHANGE leaves out what was prepared, found by twins alone',
    file: 'new-view.ts',
    find: 'const prepared = log.slots().flatMap((slot) => (slot.prepared === undefined ? [] : [slot.prepared]))',
    replace:
      'const prepared = log.slots().flatMap((slot) => (slot.sequence > 0 || slot.prepared === undefined ? [] : [slot.prepared]))',
    by: 'twins',
  },
  {
    name: 'crash-forgets-commit',
    bug: 'COMMIT leaves before its record is durable, found by crash points alone',
    file: 'outbox.ts',
    find: "if (to.length > 0) this.#effects.push({ kind: 'send', to, bytes, after: this.#lastIndex })",
    replace: "if (to.length > 0) this.#effects.push({ kind: 'send', to, bytes, after: -1 })",
    by: 'crash-points',
  },
  {
    name: 'impatient',
    bug: 'every primary counts as too slow',
    file: 'performance.ts',
    find: 'if (!isLate && !isWeak) return false',
    replace: 'if (!isLate && !isWeak && core.tick < 0) return false',
  },
  {
    name: 'snapshot-unprovable',
    bug: 'a snapshot is served again and again though its certificate is gone (found by seed 205004)',
    file: 'state-transfer.ts',
    find: 'served.height <= certified && findCertificate(core, served.height) === undefined',
    replace: 'served.height <= certified && served.height < 0',
    by: 'regressions',
  },
]
