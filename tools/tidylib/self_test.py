"""Plants a violation of every rule, and neighbours that are fine, and looks at what is found."""

from tidylib import rules
from tidylib.source import File

LONG_BODY = "\n".join(["  ++x;"] * 71)

# (name, path, text, rule that must fire or None)
CASES = [
    ("a lower floor includes a higher one", "src/store/a.h", '#include "net/http.h"\n',
     "include-direction"),
    ("a floor includes what its row allows", "src/store/a.h",
     '#include "base/result.h"\n#include "codec/json.h"\n', None),
    ("a floor includes the simulator", "src/actor/a.cc", '#include "sim/world.h"\n',
     "include-direction"),
    ("its test may", "src/actor/a_test.cc", '#include "sim/world.h"\n', None),
    ("the simulator includes the real World", "src/sim/a.cc", '#include "real/world.h"\n',
     "include-direction"),
    ("the real World includes the simulator", "src/real/a.cc", '#include "sim/world.h"\n',
     "include-direction"),
    ("an include without its floor", "src/base/a.cc", '#include "result.h"\n', "include"),
    ("a folder that is no floor", "src/misc/a.cc", "int x;\n", "floor"),
    ("a banned header", "src/net/a.cc", "#include <thread>\n", "banned"),
    ("the same in the real World", "src/real/a.cc", "#include <thread>\n", None),
    ("the same in an engine adapter", "src/store/rocksdb/a.cc", "#include <mutex>\n", None),
    ("a clock", "src/agent/a.cc", "auto t = std::chrono::steady_clock::now();\n", "banned"),
    ("a clock in the simulator", "src/sim/a.cc", "clock_gettime(0, &t);\n", "banned"),
    ("a clock in a comment", "src/agent/a.cc", "// never steady_clock\nint x;\n", None),
    ("a clock in a string", "src/agent/a.cc", 'auto s = "getenv";\n', None),
    ("the environment", "src/llm/a.cc", 'auto* key = getenv("OPENAI_API_KEY");\n', "banned"),
    ("a socket", "src/net/a.cc", "int fd = ::socket(AF_INET, SOCK_STREAM, 0);\n", "banned"),
    ("a member called listen", "src/net/a.cc", "co_await net.listen(at);\n", None),
    ("a walk over an unordered map", "src/api/a.cc",
     "std::unordered_map<int, std::pair<int, int>> by_id_;\nvoid f() { for (auto& [k, v] : by_id_) "
     "{} }\n", "unordered-iteration"),
    ("a walk by iterators through an alias", "src/api/a.cc",
     "using Index = boost::unordered_flat_map<int, int>;\nIndex index_;\nauto f() { return "
     "index_.begin(); }\n", "unordered-iteration"),
    ("a look into an unordered map", "src/api/a.cc",
     "std::unordered_map<int, int> by_id_;\nauto f() { return by_id_.find(1); }\n", None),
    ("a walk over an ordered map", "src/api/a.cc",
     "std::map<int, int> by_id_;\nvoid f() { for (auto& p : by_id_) {} }\n", None),
    ("a stand-in in the simulator", "src/sim/a.h", "class FakeAgent {};\n", "stand-in"),
    ("a seed in a scenario", "src/sim/a.cc",
     "class A final : public Scenario {\n  Choices choices_{7};\n};\n", "fixed-seed"),
    ("a seed in a scenario's constant", "src/sim/a.cc",
     "class A final : public Scenario {\n  uint64_t seed_ = 7;\n};\n", "fixed-seed"),
    ("a scenario that asks for the seed", "src/sim/a.cc",
     "class A final : public Scenario {\n  uint64_t seed_ = choices.seed();\n};\n", None),
    ("a seed in the runner", "src/sim/a.h", "struct Options {\n  uint64_t seed = 1;\n};\n", None),
    ("an order by address", "src/actor/a.h", "std::map<Activation*, int> waiting_;\n",
     "pointer-order"),
    ("an order by the address of a constant", "src/net/a.h", "std::set<const Stream*> open_;\n",
     "pointer-order"),
    ("a map to pointers", "src/net/a.h", "std::map<int, Stream*> open_;\n", None),
    ("a word of unfinished work", "src/base/a.cc", "// TODO: later\n", "unfinished"),
    ("a sleeping test", "src/net/a_test.cc",
     "void f() { std::this_thread::sleep_for(std::chrono::seconds(1)); }\n", "sleep"),
    ("a capturing coroutine", "src/actor/a.cc",
     "auto f = [this](int x) -> Task<void> {\n  co_await g(x);\n  co_return kOk;\n};\n",
     "capturing-coroutine"),
    ("a coroutine without captures", "src/actor/a.cc",
     "auto f = [](int x) -> Task<void> {\n  co_await g(x);\n  co_return kOk;\n};\n", None),
    ("a capturing function that returns a task", "src/actor/a.cc",
     "auto f = [this](int x) -> Task<void> { return g(x); };\n", None),
    ("a long line", "src/base/a.cc", "int " + "x" * 100 + ";\n", "line-length"),
    ("a long function", "src/base/a.cc", "void f(int x) {\n" + LONG_BODY + "\n}\n",
     "function-length"),
    ("a long method in a class", "src/base/a.h",
     "namespace a {\nclass A {\n public:\n  int f(int x) const {\n" + LONG_BODY + "\n  }\n};\n}\n",
     "function-length"),
    ("a long class of short methods", "src/base/a.h",
     "class A {\n" + "  int f(int x) { return x; }\n" * 80 + "};\n", None),
    ("a long table", "src/base/a.cc", "constexpr int kTable[] = {\n" + "  1,\n" * 80 + "};\n", None),
    ("a long file", "src/base/a.cc", "int x;\n" * 601, "file-length"),
    ("an allowed finding", "src/base/a.cc",
     "// tidy: allow banned: this is the one place\n#include <thread>\n", None),
    ("an allowance without a reason", "src/base/a.cc",
     "// tidy: allow banned:\n#include <thread>\n", "banned"),
]


# Of every floor that a simulation runs: neither clocks, nor threads, nor chance.
CASES += [(f"{what} in {floor}", f"src/{floor}/a.cc", text, "banned")
          for floor in rules.FLOORS if floor not in ("real", "app")
          for what, text in (("a clock", "auto t = std::chrono::steady_clock::now();\n"),
                             ("a thread", "#include <thread>\n"),
                             ("a random device", "std::random_device chance;\n"))]


def run():
    wrong = 0
    for name, path, text, expected in CASES:
        found = rules.check(File(path, text))
        kinds = {line.split(": ")[1] for line in found}
        good = kinds == ({expected} if expected else set())
        if not good and expected in kinds and expected == "sleep":
            good = True  # a sleeping test breaks two rules at once
        if not good:
            wrong += 1
            print(f"self-test: {name}: expected {expected or 'nothing'}, found {found or 'nothing'}")
    graph = all(used in rules.FLOORS for uses in rules.FLOORS.values() for used in uses)
    if not graph or "real" in rules.closure("sim") or "sim" in rules.closure("real"):
        wrong += 1
        print("self-test: the floor table is broken")
    print(f"{len(CASES) + 1 - wrong} passed, {wrong} failed, 0 skipped")
    return 1 if wrong else 0
