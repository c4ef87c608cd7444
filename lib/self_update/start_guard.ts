/**
 * The start guard: a shell script that the service runs instead of the agent. It becomes the agent, and as long as a
 * new version is on probation it decides whether to go back to the one before, so that this works even when the new
 * one cannot start at all. docs/operating.md has its contract with the agent.
 *
 * Pure: the text, and the names that the guard and the agent share.
 */

/** The names of files in the agent's folder. */
export const guardFiles = {
  /** The guard itself. */
  guard: "start_reagent.sh",
  /** A link to the version that is run. */
  program: "reagent",
  /** A link to the version before, which is there while the one that is run is on probation. */
  fallback: "reagent.fallback",
  /** What agent and guard tell each other: `activation_state.ts`. */
  state: "self_update.state",
  /** When the guard ran last, so that an agent that keeps ending is not started without a pause. */
  starts: "start_reagent.starts",
} as const;

/** The agent sees this variable, with the value `1`, when the guard has started it. */
export const guardedVariable = "REAGENT_GUARDED";

/** When a version on probation has failed, and how starts in a row are slowed down. */
export interface GuardLimits {
  /**
   * It must have been connected this long after its first start; a later start before that has at least a tenth of it.
   */
  connectSeconds: number;
  /** It must have been taken for good this long after the limit for the connection. */
  proveSeconds: number;
  /** It may be started so often on one boot of the machine, ends that somebody asked for not counted. */
  starts: number;
  /** The machine may be booted so often. */
  boots: number;
  /** What is to end has this long before it is killed. */
  endSeconds: number;
  /** Between two looks at it. */
  stepSeconds: number;
  /**
   * An agent that is started more than three times within a minute each waits this long, and six times as long from the
   * tenth time on.
   */
  pauseSeconds: number;
}

/** The limits of the agent's own service. */
export const guardLimits: GuardLimits = {
  connectSeconds: 300,
  proveSeconds: 150,
  starts: 3,
  boots: 5,
  endSeconds: 10,
  stepSeconds: 2,
  pauseSeconds: 5,
};

/**
 * The text of the guard, for `sh <guard> <agentDir> [flag…]`. It needs a POSIX shell (dash, the ash of busybox, bash)
 * and cat, date, dd, ls, mv, od, readlink, sed, sleep, sync, tr and wc.
 */
export function startGuardScript(limits: GuardLimits = guardLimits): string {
  const { connectSeconds, proveSeconds, starts, boots, endSeconds, stepSeconds, pauseSeconds } = limits;
  return `#!/bin/sh
# Starts Reagent, and goes back to the version before when a new one does not prove itself.
# usage: start_reagent.sh <agentDir> [flag...]
# Written by the agent, which replaces it: changes are lost.
set -u
connect_seconds=${connectSeconds} prove_seconds=${proveSeconds} starts_limit=${starts} boots_limit=${boots}
end_seconds=${endSeconds} step_seconds=${stepSeconds} pause_seconds=${pauseSeconds}
${guardBody}`;
}

/** All but the limits. */
const guardBody = String.raw`dir=$1
shift
program=$dir/${guardFiles.program} fallback=$dir/${guardFiles.fallback} state=$dir/${guardFiles.state}

say() { echo "start_reagent: $*" >&2; }

# A number that arithmetic of every shell understands.
number() { case $1 in '' | *[!0-9]* | 0?* | ??????????*) echo 0 ;; *) echo "$1" ;; esac; }

# The same for seconds since 1970.
epoch() { case $1 in '' | *[!0-9]* | 0?* | ???????????*) echo 0 ;; *) echo "$1" ;; esac; }

uptime_seconds() {
  if IFS='. ' read -r up _ 2>/dev/null </proc/uptime; then
    number "$up"
  else
    since=$(sysctl -n kern.boottime 2>/dev/null | sed -n 's/.* sec = \([0-9]*\),.*/\1/p')
    number $(($(date +%s) - $(epoch "$since")))
  fi
}

boot_id() {
  cat /proc/sys/kernel/random/boot_id 2>/dev/null || sysctl -n kern.bootsessionuuid 2>/dev/null || echo unknown
}

# Onto the disk: one file or folder where sync can do that.
flush() { sync "$1" 2>/dev/null || sync; }

forget() {
  phase= from= to= needs=connection starts=0 boots=0 boot= begun=0 connected=no why=
}

# A file without its last line counts as nothing.
read_state() {
  forget
  is_whole=no
  [ -f "$state" ] || return 0
  while IFS='=' read -r key value; do
    case $key in
      phase) phase=$value ;;
      from) from=$value ;;
      to) to=$value ;;
      needs) needs=$value ;;
      starts) starts=$(number "$value") ;;
      boots) boots=$(number "$value") ;;
      boot) boot=$value ;;
      begun) begun=$(number "$value") ;;
      connected) connected=$value ;;
      why) why=$value ;;
      end) [ "$value" = yes ] && is_whole=yes ;;
    esac
  done 2>/dev/null <"$state"
  [ "$is_whole" = yes ] || forget
}

write_state() {
  text="format=1
phase=$phase
from=$from
to=$to
needs=$needs
starts=$starts
boots=$boots
boot=$boot
begun=$begun
connected=$connected
why=$why
end=yes"
  { echo "$text" >"$state.new"; } 2>/dev/null
  if [ "$(cat "$state.new" 2>/dev/null)" = "$text" ]; then
    flush "$state.new" && mv -f "$state.new" "$state" && flush "$dir"
  else
    return 1
  fi
}

# A shell would read a damaged executable as a script.
is_program() {
  [ -f "$1" ] && [ -x "$1" ] || return 1
  [ -r /proc/version ] || return 0
  case $(dd if="$1" bs=4 count=1 2>/dev/null | tr -d '\000') in
    '#!'*) return 0 ;;
    ?ELF) [ $(dd if="$1" bs=4096 count=1 2>/dev/null | wc -c) -eq 4096 ] ;;
    *) return 1 ;;
  esac
}

# Of an executable: what kind of processor it is for.
machine_of() { dd if="$1" bs=1 skip=18 count=2 2>/dev/null | od -An -tx1 2>/dev/null; }

# The executable of another machine is read as a script, too.
is_for_this_machine() {
  case $(dd if="$program" bs=4 count=1 2>/dev/null | tr -d '\000') in ?ELF) ;; *) return 0 ;; esac
  case $(dd if="$fallback" bs=4 count=1 2>/dev/null | tr -d '\000') in ?ELF) ;; *) return 0 ;; esac
  [ "$(machine_of "$program")" = "$(machine_of "$fallback")" ]
}

version_of() { readlink "$1" | sed 's|.*/||; s|^reagent-v||'; }

is_on_probation() {
  [ -L "$fallback" ] && is_program "$fallback" && [ "$(readlink "$fallback")" != "$(readlink "$program")" ]
}

# A rename needs no room on the disk. Where it fails the version before is run from its place.
go_back() {
  say "going back from version $to to version $from: $1"
  phase=rolledBack why=$1
  write_state || say "cannot write $state"
  if mv -f "$fallback" "$program"; then
    flush "$dir"
  else
    program=$dir/$(readlink "$fallback")
  fi
}

give_reason() {
  case $needs in
    engine | database) reason="it did not reach its $needs in time" ;;
    *) reason="it was not connected in time" ;;
  esac
}

begin_start() {
  version=$(version_of "$program")
  read_state
  if [ "$phase" != trial ] && [ "$phase" != rolledBack ] || [ "$to" != "$version" ]; then
    forget
    phase=trial from=$(version_of "$fallback") to=$version
  fi
  now=$(uptime_seconds)
  this_boot=$(boot_id)
  if [ "$boot" != "$this_boot" ]; then
    boot=$this_boot begun=$now starts=0 boots=$((boots + 1))
  fi
  [ "$begun" -le "$now" ] || begun=$now
  left=$((connect_seconds - now + begun))
  if [ "$phase" = rolledBack ]; then
    go_back "$why"
  elif ! is_program "$program" || ! is_for_this_machine; then
    go_back "its file is no program that can be started"
  elif [ "$starts" -ge "$starts_limit" ]; then
    go_back "it has ended $starts times before it had proved itself"
  elif [ "$connected" = no ] && [ "$left" -le 0 ]; then
    give_reason
    go_back "$reason"
  elif [ "$boots" -gt "$boots_limit" ]; then
    go_back "the machine was started $boots_limit times before it had proved itself"
  else
    starts=$((starts + 1)) connected=no
    if write_state; then is_watched=yes; else go_back "its start could not be noted on the disk"; fi
  fi
}

end_agent() {
  kill -TERM "$1" 2>/dev/null
  waited=0
  while [ "$waited" -lt "$end_seconds" ]; do
    sleep 1
    waited=$((waited + 1))
    kill -0 "$1" 2>/dev/null || return 0
  done
  kill -KILL "$1" 2>/dev/null
}

# Runs next to the agent, which has the process of the guard.
watch() {
  least=$((connect_seconds / 10)) waited=0
  [ "$left" -ge "$least" ] || left=$least
  while sleep "$step_seconds"; do
    waited=$((waited + step_seconds))
    [ -L "$fallback" ] && kill -0 $$ 2>/dev/null || return 0
    [ "$waited" -ge "$left" ] || continue
    read_state
    if [ "$connected" = yes ]; then
      [ "$waited" -ge $((left + prove_seconds)) ] || continue
      reason="it was ready in time and did not stay so"
    else
      give_reason
    fi
    phase=trial from=$(version_of "$fallback") to=$(version_of "$program")
    go_back "$reason"
    end_agent $$
    return 0
  done
}

# What is left when the version that is to be run is damaged: the latest file that is a program.
find_other() {
  read_state
  for file in $(ls -t "$dir" 2>/dev/null); do
    case $file in reagent-v*) ;; *) continue ;; esac
    [ "$phase" = rolledBack ] && [ "$file" = "reagent-v$to" ] && continue
    if is_program "$dir/$file"; then
      say "$program cannot be started, running $file"
      program=$dir/$file
      return 0
    fi
  done
}

pace() {
  last_boot= last=0 quick=0
  read -r last_boot last quick 2>/dev/null <"$dir/${guardFiles.starts}"
  last=$(number "$last") quick=$(number "$quick") now_pace=$(uptime_seconds)
  if [ "$last_boot" = "$(boot_id)" ] && [ $((now_pace - last)) -lt 60 ]; then quick=$((quick + 1)); else quick=0; fi
  [ "$quick" -lt 3 ] || sleep "$pause_seconds"
  [ "$quick" -lt 10 ] || sleep $((pause_seconds * 5))
  { echo "$(boot_id) $(uptime_seconds) $quick" >"$dir/${guardFiles.starts}"; } 2>/dev/null
}

is_watched=no
if is_on_probation; then begin_start; fi
is_program "$program" || find_other
pace
${guardedVariable}=1
export ${guardedVariable}
[ "$is_watched" = no ] || ( watch & )
exec "$program" "$@"
`;
