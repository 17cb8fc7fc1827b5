/**
 * The `[node.targets]` table: which targets this node dials. It is the node's own and no event: whoever may publish a backend must not be
 * able to change it. (`[[targets]]` is something else, the short form of a config.)
 */
import { parseTargetRule, TARGET_RULE_FORM, type TargetPolicy } from '@muster/transport';
import type { ConfigFile } from './config-schema.ts';
import type { Fault } from './declared-roster.ts';

/** The config is meaningful only where `faults` is empty. */
export function targetPolicyConfig(
  { allow = [], only, deny = [] }: NonNullable<ConfigFile['node']['targets']>,
  { isShared }: { readonly isShared: boolean },
): { readonly config: TargetPolicy; readonly faults: readonly Fault[] } {
  const faults = Object.entries({ allow, only: only ?? [], deny }).flatMap(([list, rules]) =>
    rules.flatMap((rule, index): Fault[] => {
      if (parseTargetRule(rule) !== null) return [];
      const what = `node.targets.${list}[${index + 1}] is ${JSON.stringify(rule)}, which is no rule`;
      return [{ path: ['node', 'targets', list, index], what, fix: TARGET_RULE_FORM }];
    }),
  );
  return { config: { allow, only: only ?? null, deny, isNearGuarded: isShared }, faults };
}
