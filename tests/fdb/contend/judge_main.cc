// Judges the logs of one run.
//
//   fdb_contend_judge STOPPED FROM_NS TO_NS LAST LOG...
//
// Prints lines of Markdown, and last `N passed, N failed`; exit code 1 if anything failed.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "judge.h"
#include "log.h"
#include "movement.h"

namespace kelpie::contend {
namespace {

constexpr size_t kShownMax = 20;

Result<NodeLog> read_file(const std::string& path) {
  std::ifstream in(path);
  auto log = read_log(in);
  if (!log.ok()) {
    return std::move(log).error().with_context(path);
  }
  return log;
}

std::string seconds(std::optional<int64_t> ns) {
  if (!ns) {
    return "never";
  }
  char text[32];
  std::snprintf(text, sizeof text, "%.2f s", static_cast<double>(*ns) / 1e9);
  return text;
}

void show_calls(const NodeLog& log) {
  std::map<std::string, uint64_t> outcomes;
  for (const Call& call : log.calls) {
    ++outcomes[call.outcome == "elsewhere" ? "refused, naming " + call.owner + " as the owner"
                                           : call.outcome];
  }
  std::printf("* `%s`: %zu calls", log.node.c_str(), log.calls.size());
  for (const auto& [outcome, count] : outcomes) {
    std::printf(", %llu %s", static_cast<unsigned long long>(count), outcome.c_str());
  }
  std::printf("; %zu epochs\n", log.epochs.size());
}

void show_movement(const Movement& seen, const Stop& stop) {
  const auto number = [](uint64_t value) { return static_cast<unsigned long long>(value); };
  std::printf("* `%s` stood still for %s\n", stop.node.c_str(),
              seconds(stop.to_ns - stop.from_ns).c_str());
  std::printf(
      "* owners: %llu times an increment was the first under a generation of the other node (%llu "
      "actors), %llu times under a new one of the same node; moves in each tenth of the run (%s):",
      number(seen.moved), number(seen.actors_moved), number(seen.claimed_again),
      seconds(seen.tenth_ns).c_str());
  for (const uint64_t moved : seen.moved_in) {
    std::printf(" %llu", number(moved));
  }
  std::printf(
      "\n* the stop: of %llu actors that it was the last to change before, %llu were changed by "
      "the "
      "other node meanwhile, the first after %s; the last call that was refused because it had the "
      "actor began after %s\n",
      number(seen.held), number(seen.taken), seconds(seen.first_taken_ns).c_str(),
      seconds(seen.last_refused_ns).c_str());
  std::printf(
      "* the continuation: %zu new epochs of it; %llu of its calls were under way all the while; "
      "%llu calls were refused because what it had in memory was lost; %llu new ones were "
      "answered, "
      "the first after %s; %llu of the actors that were taken came back to it\n",
      seen.epochs_after, number(seen.begun_before), number(seen.lost), number(seen.answered_after),
      seconds(seen.first_answer_after_ns).c_str(), number(seen.taken_back));
}

int show(const Verdict& verdict, const Movement& seen) {
  std::vector<std::string> rules = verdict.rules;
  rules.emplace_back("movement");
  std::vector<Problem> problems = verdict.problems;
  problems.insert(problems.end(), seen.problems.begin(), seen.problems.end());
  for (size_t i = 0; i < std::min(problems.size(), kShownMax); ++i) {
    std::printf("* FAILED %s, %s: %s\n", problems[i].rule.c_str(), problems[i].actor.c_str(),
                problems[i].text.c_str());
  }
  const auto broken = std::ranges::count_if(rules, [&](const std::string& rule) {
    return std::ranges::any_of(problems, [&](const Problem& one) { return one.rule == rule; });
  });
  std::printf(
      "* judged: %llu actors, %llu increments that were acknowledged, %llu that nobody could "
      "tell of, %llu reads; rules:",
      static_cast<unsigned long long>(verdict.actors),
      static_cast<unsigned long long>(verdict.increments),
      static_cast<unsigned long long>(verdict.undecided),
      static_cast<unsigned long long>(verdict.reads));
  for (size_t i = 0; i < rules.size(); ++i) {
    std::printf("%s %s", i == 0 ? "" : ",", rules[i].c_str());
  }
  std::printf("\n%zu passed, %zu failed\n", rules.size() - static_cast<size_t>(broken),
              static_cast<size_t>(broken));
  return problems.empty() ? 0 : 1;
}

Result<int> judge_files(const Stop& stop, const std::vector<std::string>& files) {
  const NodeLog last = TRY(read_file(files.front()));
  std::vector<NodeLog> logs;
  for (size_t i = 1; i < files.size(); ++i) {
    logs.push_back(TRY(read_file(files[i])));
    show_calls(logs.back());
  }
  const Movement seen = movement_of(logs, stop);
  show_movement(seen, stop);
  return show(judge(logs, last), seen);
}

}  // namespace
}  // namespace kelpie::contend

int main(int argc, char** argv) {
  if (argc < 6) {
    std::fprintf(stderr, "usage: %s STOPPED FROM_NS TO_NS LAST LOG...\n", argv[0]);
    return 2;
  }
  const kelpie::Result<int> code = kelpie::contend::judge_files(
      {.node = argv[1], .from_ns = std::atoll(argv[2]), .to_ns = std::atoll(argv[3])},
      std::vector<std::string>(argv + 4, argv + argc));
  if (!code.ok()) {
    std::fprintf(stderr, "%s\n", code.error().to_string().c_str());
    return 2;
  }
  return *code;
}
