/**
 * What pseudonyms hide and what they do not, as text for users. An application that offers pseudonyms shows it.
 */

/** The sentence to print wherever pseudonyms are offered. */
export const PSEUDONYMITY_NOTICE =
  'Pseudonyms stop a reader who sees only keys. They do not hide you from the registrar, your doctors, the gateway, ' +
  'whoever watches timing, or anyone who knows your doctor. This is pseudonymous data under the GDPR, not anonymity.'

/** What still links two accounts of one person, each a clause for the list in {@link explainPseudonymity}. */
export const PSEUDONYMITY_LINKS: readonly string[] = [
  'the registrar, who knows every account that it registers',
  'the doctors of a care circle, who all know its one account',
  'fields of certificates that few people share',
  'money moved between your own accounts',
  "the doctors you grant access to: an oncologist's key is a diagnosis",
  'the same sealed record, proof or issuer signature published under two accounts',
  'how many labels you use and how often: a label every five minutes is a glucose sensor',
  'keys rotated at fixed times, and the time of day and the bursts in which you publish',
  'the network address from which you publish, and the peers of your block store',
  'your seed: whoever has it has all your accounts at once',
]

/**
 * Returns the notice and the list of what still links accounts, as plain text of several lines. For a settings page, a
 * consent form, or the command line.
 */
export function explainPseudonymity(): string {
  return [PSEUDONYMITY_NOTICE, 'What still links accounts:', ...PSEUDONYMITY_LINKS.map((link) => `- ${link}`)].join(
    '\n',
  )
}
