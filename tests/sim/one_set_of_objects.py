"""Shows that the simulator runs the objects of the server: one_set_of_objects.py BUILD.

The program links each floor's library once, the server's verb and the simulator's from the same ones;
the simulator's own library is made of src/sim alone, and defines nothing outside its own namespace but
the functions of the machine that the tripwire takes over. Ends with `N passed, N failed, N skipped`.
"""

import pathlib
import re
import subprocess
import sys

PRODUCTION = ["base", "codec", "async", "world", "obs", "store", "net", "cluster", "actor", "llm",
              "agent", "api"]
TRIPWIRES = {"clock_gettime", "gettimeofday", "time", "nanosleep", "getrandom", "getentropy",
             "pthread_create", "socket", "open"}
# Strong definitions: code, data, read-only data, zeroed data. Weak ones are inline functions of
# headers, of which every library has its copy and the program one.
STRONG = set("TDRB")


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def inputs(build, target):
    """What ninja makes the target of; what only has to be there before it is left out."""
    found, listed = [], False
    for line in output("ninja", "-C", build, "-t", "query", target).split("\n"):
        if line.strip().startswith("input:"):
            listed = True
        elif line.strip().startswith("outputs:"):
            listed = False
        elif listed and not line.strip().startswith("||"):
            found.append(line.strip().removeprefix("| "))
    return found


def strong_symbols(library):
    names = set()
    for line in output("nm", "--demangle", "--defined-only", "--extern-only", library).split("\n"):
        fields = re.match(r"[0-9a-f]+ (\w) (.*)", line)
        if fields and fields.group(1) in STRONG:
            names.add(fields.group(2))
    return names


def is_own(symbol):
    return (symbol.startswith("kelpie::sim::") or symbol in TRIPWIRES
            or re.match(r"((non-)?virtual thunk to|(vtable|typeinfo|typeinfo name|guard variable) for) "
                        r"kelpie::sim::", symbol))


def main(build):
    passed, failures = 0, []
    # A library may be named more than once on the linker's line; it is one file.
    linked = [pathlib.Path(path).name for path in sorted(set(inputs(build, "src/kelpie")))]
    for floor in PRODUCTION + ["sim"]:
        library = f"libkelpie_{floor}.a"
        if linked.count(library) == 1:
            passed += 1
        else:
            failures.append(f"{library}: {linked.count(library)} files of that name are linked")
    if "libkelpie_sim.a" not in linked or not any(name.startswith("serve.cc") for name in linked):
        failures.append("kelpie: the server and the simulator are not one program")
    objects = [path for path in inputs(build, "src/libkelpie_sim.a") if path.endswith(".o")]
    foreign = [path for path in objects if "/kelpie_sim.dir/sim/" not in path]
    if objects and not foreign:
        passed += 1
    else:
        failures.append(f"libkelpie_sim.a: made of {foreign or 'nothing'}, expected src/sim alone")
    own = strong_symbols(f"{build}/src/libkelpie_sim.a")
    for symbol in sorted(symbol for symbol in own if not is_own(symbol)):
        failures.append(f"libkelpie_sim.a: defines {symbol}, which is not the simulator's")
    for floor in PRODUCTION:
        library = f"{build}/src/libkelpie_{floor}.a"
        both = own & strong_symbols(library) if pathlib.Path(library).is_file() else set()
        if both:
            failures.append(f"{library}: {sorted(both)} are defined in the simulator, too")
        else:
            passed += 1
    for failure in failures:
        print(f"failed: {failure}")
    print(f"{passed} passed, {len(failures)} failed, 0 skipped")
    return 1 if failures else 0


sys.exit(main(sys.argv[1]))
