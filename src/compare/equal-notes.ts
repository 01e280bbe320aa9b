import { info, type Note, warning } from '../lib/note.js'
import { areEqualRows, repeatedRows } from '../measure/equal-rows.js'
import { isLinked } from '../measure/linked-files.js'
import type { Results } from '../measure/results.js'
import { isSameMemory } from '../tensor/memory-tensor.js'
import type { CompareSettings } from './options.js'
import type { Side } from './sides.js'
import { StepRanges } from './step-ranges.js'

type Settings = Pick<CompareSettings, 'identical' | 'repeatedRows'>

/** A note that an option confirms. */
export function noteUnless<Option extends keyof Settings>(
  option: Option,
  settings: Pick<Settings, Option>,
  text: string,
): Note {
  const confirmed = `${option}: 'allow'`
  return settings[option] === 'allow' ? info(`${text} (${confirmed})`) : warning(text, `set ${confirmed}`)
}

/**
 * Notes about rows that are equal though rows of two runs, or of two tokens, hardly ever are.
 * @param isUndecided true for a step that is not compared, because nothing shows which of its rows is the token's
 */
export function equalNotes(
  results: Results,
  golden: Side,
  dump: Side,
  settings: Settings,
  isUndecided: (step: number) => boolean,
): Note[] {
  const repeats = repeatNotes(results, 'dump', dump, settings)
  // A snapshot that matches bit for bit is what everybody hopes for.
  if (golden.isSnapshot) return repeats
  const identical = identicalNotes(results, settings, isUndecided)
  return [...identical, ...repeatNotes(results, 'golden', golden, settings), ...repeats]
}

function identicalNotes(results: Results, settings: Settings, isUndecided: (step: number) => boolean): Note[] {
  const linked = new StepRanges()
  let [measured, equal, copies] = [0, 0, 0]
  for (let i = 0; i < results.length; i++) {
    const isEqual = areEqualRows(results, i)
    if (isEqual === undefined || isUndecided(results.stepAt(i))) continue
    measured++
    if (!isEqual) continue
    equal++
    const { step, position, golden, dump } = results.at(i)!
    if (isLinked(golden!, dump!)) linked.add(step, position)
    // That both sides read one file was noted with the steps.
    else if (!golden!.files.some((file) => dump!.files.includes(file)) && !isSameMemory(golden!.tensor, dump!.tensor)) {
      copies++
    }
  }
  const texts: string[] = []
  if (linked.length > 0) texts.push(`${linked}: golden and dump are the same file, by links`)
  if (copies > 0 && equal === measured) {
    const count = equal === 1 ? 'the one token has' : `all ${equal} tokens have`
    texts.push(`${count} the same logits on both sides, bit for bit: one dump may be a copy of the other`)
  }
  return texts.map((text) => noteUnless('identical', settings, text))
}

function repeatNotes(results: Results, name: 'golden' | 'dump', side: Side, settings: Settings): Note[] {
  const ranges = new StepRanges()
  for (const index of repeatedRows(results, name, side.rows)) {
    const { step, position } = results.at(index)!
    ranges.add(step, position)
  }
  if (ranges.length === 0) return []
  const verb = ranges.length === 1 ? 'repeats' : 'repeat'
  const text = `${name}: ${ranges} ${verb} the logits of the token before, bit for bit: a frozen or stale step`
  return [noteUnless('repeatedRows', settings, text)]
}
