#include "sim/tools/campaign_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "codec/json.h"
#include "world/sites.h"

namespace kelpie::sim {
namespace {

namespace json = boost::json;

std::string text_of(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : "";
}

uint64_t count_of(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  if (value == nullptr) {
    return 0;
  }
  if (value->is_uint64()) {
    return value->get_uint64();
  }
  return value->is_int64() && value->get_int64() > 0 ? static_cast<uint64_t>(value->get_int64())
                                                     : 0;
}

int64_t ms_of(const json::object& object, std::string_view name) {
  return static_cast<int64_t>(count_of(object, name));
}

ChunkLine read_chunk(const json::object& from) {
  ChunkLine chunk{.scenario = text_of(from, "scenario"),
                  .profile = text_of(from, "profile"),
                  .commit = text_of(from, "commit"),
                  .first_seed = count_of(from, "first_seed"),
                  .seeds = count_of(from, "seeds"),
                  .repeated = count_of(from, "repeated"),
                  .operations = count_of(from, "operations"),
                  .undecided = count_of(from, "undecided"),
                  .events = count_of(from, "events"),
                  .simulated_ms = ms_of(from, "simulated_ms"),
                  .wall_ms = ms_of(from, "wall_ms"),
                  .failures = {},
                  .faults = {},
                  .sites = {}};
  const json::value* failures = from.if_contains("failures");
  if (failures != nullptr && failures->is_array()) {
    for (const json::value& each : failures->get_array()) {
      if (const json::object* failure = each.if_object()) {
        chunk.failures.push_back(FailedSeed{count_of(*failure, "seed"), text_of(*failure, "oracle"),
                                            text_of(*failure, "message")});
      }
    }
  }
  const json::value* faults = from.if_contains("faults");
  if (faults != nullptr && faults->is_object()) {
    for (const auto& [name, value] : faults->get_object()) {
      if (const json::object* fault = value.if_object()) {
        chunk.faults[name] =
            FaultCount{count_of(*fault, "configured"), count_of(*fault, "received")};
      }
    }
  }
  const json::value* sites = from.if_contains("sites");
  if (sites != nullptr && sites->is_object()) {
    for (const auto& each : sites->get_object()) {
      chunk.sites[each.key()] = count_of(sites->get_object(), each.key());
    }
  }
  return chunk;
}

MutantLine read_mutant(const json::object& from) {
  return MutantLine{.name = text_of(from, "name"),
                    .what = text_of(from, "what"),
                    .commit = text_of(from, "commit"),
                    .verdict = text_of(from, "verdict"),
                    .oracle = text_of(from, "oracle"),
                    .seed = count_of(from, "seed"),
                    .seeds = count_of(from, "seeds"),
                    .wall_ms = ms_of(from, "wall_ms")};
}

ExploreLine read_explored(const json::object& from) {
  return ExploreLine{.name = text_of(from, "name"),
                     .what = text_of(from, "what"),
                     .commit = text_of(from, "commit"),
                     .verdict = text_of(from, "verdict"),
                     .result = text_of(from, "result"),
                     .runs = count_of(from, "runs"),
                     .ends = count_of(from, "ends"),
                     .wall_ms = ms_of(from, "wall_ms")};
}

}  // namespace

std::vector<Site> known_sites() {
  std::vector<Site> sites;
  for (const std::string_view name : world::kBuggifySites) {
    sites.push_back(Site{"buggify", name});
  }
  for (const std::string_view name : world::kReachedSites) {
    sites.push_back(Site{"reached", name});
  }
  for (const std::string_view name : world::kAlwaysSites) {
    sites.push_back(Site{"always", name});
  }
  return sites;
}

std::string_view profile_name(Profile profile) {
  return profile == Profile::kLong ? "long" : "short";
}

std::optional<Profile> find_profile(std::string_view name) {
  for (const Profile profile : {Profile::kShort, Profile::kLong}) {
    if (name == profile_name(profile)) {
      return profile;
    }
  }
  return std::nullopt;
}

ChunkLine chunk_line(std::string_view scenario, const CampaignOptions& options,
                     const CampaignResult& result) {
  ChunkLine chunk;
  chunk.scenario = scenario;
  chunk.profile = profile_name(options.profile);
  chunk.first_seed = options.first_seed;
  chunk.seeds = result.seeds;
  chunk.repeated = result.repeated;
  chunk.operations = result.operations;
  chunk.undecided = result.undecided;
  chunk.events = result.events;
  chunk.simulated_ms = result.simulated_ns / 1'000'000;
  for (const RunResult& failed : result.failures) {
    chunk.failures.push_back(
        FailedSeed{failed.seed, failed.failure->oracle, failed.failure->message});
  }
  for (size_t i = 0; i < kFaultCount; ++i) {
    const auto fault = static_cast<Fault>(i);
    if (result.runs_with[i] > 0) {
      chunk.faults[std::string(fault_name(fault))] =
          FaultCount{result.runs_with[i], result.ledger.received(fault)};
    }
  }
  for (const Site& site : known_sites()) {
    if (result.sites.count(site.name) > 0) {
      chunk.sites[std::string(site.name)] = result.sites.count(site.name);
    }
  }
  return chunk;
}

std::string to_line(const ChunkLine& chunk) {
  json::object line;
  line["kind"] = "seeds";
  line["scenario"] = chunk.scenario;
  line["profile"] = chunk.profile;
  line["commit"] = chunk.commit;
  line["first_seed"] = chunk.first_seed;
  line["seeds"] = chunk.seeds;
  line["clean"] = chunk.seeds - chunk.failures.size();
  line["repeated"] = chunk.repeated;
  line["operations"] = chunk.operations;
  line["undecided"] = chunk.undecided;
  line["events"] = chunk.events;
  line["simulated_ms"] = chunk.simulated_ms;
  line["wall_ms"] = chunk.wall_ms;
  json::array failures;
  for (const FailedSeed& failed : chunk.failures) {
    failures.push_back(json::object{
        {"seed", failed.seed}, {"oracle", failed.oracle}, {"message", failed.message}});
  }
  line["failures"] = std::move(failures);
  json::object faults;
  for (const auto& [name, count] : chunk.faults) {
    faults[name] = json::object{{"configured", count.configured}, {"received", count.received}};
  }
  line["faults"] = std::move(faults);
  json::object sites;
  for (const auto& [name, count] : chunk.sites) {
    sites[name] = count;
  }
  line["sites"] = std::move(sites);
  return codec::write_json(line) + "\n";
}

std::string to_line(const MutantLine& mutant) {
  const json::object line = {
      {"kind", "mutant"},        {"name", mutant.name},       {"what", mutant.what},
      {"commit", mutant.commit}, {"verdict", mutant.verdict}, {"oracle", mutant.oracle},
      {"seed", mutant.seed},     {"seeds", mutant.seeds},     {"wall_ms", mutant.wall_ms}};
  return codec::write_json(line) + "\n";
}

std::string to_line(const ExploreLine& explored) {
  const json::object line = {
      {"kind", "explored"},        {"name", explored.name},       {"what", explored.what},
      {"commit", explored.commit}, {"verdict", explored.verdict}, {"result", explored.result},
      {"runs", explored.runs},     {"ends", explored.ends},       {"wall_ms", explored.wall_ms}};
  return codec::write_json(line) + "\n";
}

Result<void> read_log(std::string_view text, CampaignLog& log) {
  for (size_t number = 1; text.find('\n') != std::string_view::npos; ++number) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(line.size() + 1);
    if (line.empty()) {
      continue;
    }
    const Result<json::value> value = codec::parse_json(line);
    const json::object* object = value.ok() ? value->if_object() : nullptr;
    const std::string kind = object == nullptr ? "" : text_of(*object, "kind");
    if (kind == "seeds") {
      log.chunks.push_back(read_chunk(*object));
    } else if (kind == "mutant") {
      log.mutants.push_back(read_mutant(*object));
    } else if (kind == "explored") {
      log.explored.push_back(read_explored(*object));
    } else {
      return base::invalid_argument(
          fmt::format("line {} is none of a campaign's log: \"{}\"", number, line.substr(0, 80)));
    }
  }
  return kOk;
}

std::optional<SeedRange> next_missing(const CampaignLog& log, std::string_view scenario,
                                      std::string_view profile, SeedRange wanted) {
  std::vector<SeedRange> there;
  for (const ChunkLine& chunk : log.chunks) {
    if (chunk.scenario == scenario && chunk.profile == profile) {
      there.push_back(SeedRange{chunk.first_seed, chunk.seeds});
    }
  }
  std::ranges::sort(there, {}, &SeedRange::first);
  const uint64_t end = wanted.first + wanted.count;
  uint64_t next = wanted.first;
  for (const SeedRange& range : there) {
    if (range.first > next) {
      const uint64_t until = std::min(range.first, end);
      if (until > next) {
        return SeedRange{next, until - next};
      }
    }
    next = std::max(next, range.first + range.count);
  }
  return next < end ? std::optional(SeedRange{next, end - next}) : std::nullopt;
}

}  // namespace kelpie::sim
