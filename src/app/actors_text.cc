#include "app/actors_text.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "codec/json.h"
#include "real/real_clock.h"

namespace kelpie::app {
namespace {

namespace json = boost::json;

// nullptr when it is not there, or null.
const json::value* member(const json::value& of, std::string_view name) {
  const json::object* object = of.if_object();
  const json::value* found = object == nullptr ? nullptr : object->if_contains(name);
  return found == nullptr || found->is_null() ? nullptr : found;
}

bool is_true(const json::value& of, std::string_view name) {
  const json::value* found = member(of, name);
  return found != nullptr && found->is_bool() && found->as_bool();
}

// On a terminal a control character in somebody's text is a command.
std::string harmless(std::string_view text) {
  std::string shown;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const auto next = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0;
    if (byte == 0xc2 && next >= 0x80 && next < 0xa0) {
      shown += '?';
      ++i;
    } else {
      shown += byte < 0x20 || byte == 0x7f ? '?' : text[i];
    }
  }
  return shown;
}

std::string text_of(const json::value& of, std::string_view name) {
  const json::value* found = member(of, name);
  if (found == nullptr) {
    return "-";
  }
  const std::string text =
      found->is_string() ? std::string(found->as_string()) : codec::write_json(*found);
  return text.empty() ? "-" : harmless(text);
}

std::string yes_of(const json::value& of, std::string_view name) {
  return is_true(of, name) ? "yes" : "-";
}

std::string count_of(const json::value& of, std::string_view name) {
  const json::value* found = member(of, name);
  return found == nullptr ? "-" : text_of(*found, "count") + (is_true(*found, "more") ? "+" : "");
}

std::string time_of(const json::value& of, std::string_view name) {
  const json::value* found = member(of, name);
  constexpr int64_t kMicrosMax = (int64_t{1} << 62) / 1'000;
  if (found == nullptr || !found->is_int64() || found->as_int64() < 0 ||
      found->as_int64() > kMicrosMax) {
    return "-";
  }
  return real::format_time(WallTime::from_nanos(found->as_int64() * 1'000));
}

std::string doing(const json::value& live) {
  if (is_true(live, "working")) {
    return "works";
  }
  const json::value* idle = member(live, "idle_millis");
  return idle == nullptr || !idle->is_int64()
             ? "-"
             : "idle " + std::to_string(idle->as_int64() / 1'000) + " s";
}

using Line = std::vector<std::string>;

// Columns as wide as their widest cell.
std::string table(const std::vector<Line>& lines) {
  std::vector<size_t> widths;
  for (const Line& line : lines) {
    widths.resize(std::max(widths.size(), line.size()));
    for (size_t i = 0; i < line.size(); ++i) {
      widths[i] = std::max(widths[i], line[i].size());
    }
  }
  std::string text;
  for (const Line& line : lines) {
    for (size_t i = 0; i < line.size(); ++i) {
      text += line[i];
      if (i + 1 < line.size()) {
        text.append(widths[i] - line[i].size() + 2, ' ');
      }
    }
    text += '\n';
  }
  return text;
}

json::array rows_of(const json::value& answer, std::string_view name) {
  const json::value* found = member(answer, name);
  return found != nullptr && found->is_array() ? found->as_array() : json::array();
}

std::string list_text(const ActorsCommand& command, const json::value& answer) {
  std::vector<Line> lines;
  lines.push_back(command.stored ? Line{"ACTOR", "TURN", "PAUSED"}
                                 : Line{"ACTOR", "TURN", "PAUSED", "WAITING", "DOES"});
  for (const json::value& row : rows_of(answer, "actors")) {
    lines.push_back({text_of(row, "actor"), text_of(row, "turn"), yes_of(row, "paused")});
    if (!command.stored) {
      lines.back().push_back(text_of(row, "waiting"));
      lines.back().push_back(doing(row));
    }
  }
  std::string text = table(lines);
  if (member(answer, "next") != nullptr) {
    text += "there are more: --cursor " + text_of(answer, "next") + "\n";
  }
  return text;
}

std::string show_text(const json::value& answer) {
  const json::value* live = member(answer, "activation");
  return table({{"actor", text_of(answer, "actor")},
                {"turn", text_of(answer, "turn")},
                {"paused", yes_of(answer, "paused")},
                {"generation", text_of(answer, "generation")},
                {"state bytes", text_of(answer, "state_bytes")},
                {"data rows", count_of(answer, "data_rows")},
                {"inbox", count_of(answer, "inbox")},
                {"parked", count_of(answer, "parked")},
                {"reminders", count_of(answer, "reminders")},
                {"in memory", live == nullptr ? "no"
                                              : "yes, " + doing(*live) + ", " +
                                                    text_of(*live, "waiting") + " calls wait"}});
}

std::string explain_text(const json::value& answer) {
  const json::value* found = member(answer, "owner");
  const json::value owner = found == nullptr ? json::value() : *found;
  return table({{"actor", text_of(answer, "actor")},
                {"owner", text_of(owner, "node")},
                {"address", text_of(owner, "address")},
                {"state", text_of(owner, "state")},
                {"joined", time_of(owner, "joined_micros")},
                {"epoch", text_of(owner, "epoch")},
                {"generation", text_of(owner, "generation")},
                {"last written by", text_of(answer, "written_by_generation")},
                {"in memory", yes_of(answer, "active_here")},
                {"why", text_of(answer, "why")}});
}

std::string inbox_text(const json::value& answer) {
  std::vector<Line> waiting{{"STAMP", "SENT", "FROM", "METHOD", "BYTES"}};
  for (const json::value& row : rows_of(answer, "messages")) {
    waiting.push_back({text_of(row, "stamp"), time_of(row, "sent_micros"), text_of(row, "from"),
                       text_of(row, "method"), text_of(row, "argument_bytes")});
  }
  std::vector<Line> parked{{"STAMP", "PARKED", "FROM", "METHOD", "TRIES", "ERROR"}};
  for (const json::value& row : rows_of(answer, "parked_messages")) {
    parked.push_back({text_of(row, "stamp"), time_of(row, "parked_micros"), text_of(row, "from"),
                      text_of(row, "method"), text_of(row, "tries"), text_of(row, "error")});
  }
  const auto shown = [](const std::vector<Line>& lines) {
    return lines.size() > 1 ? table(lines) : std::string();
  };
  return count_of(answer, "inbox") + " messages wait\n" + shown(waiting) +
         count_of(answer, "parked") + " messages are parked\n" + shown(parked);
}

std::string reminders_text(const json::value& answer) {
  std::vector<Line> lines{{"NAME", "DUE", "PERIOD", "CATCH-UP", "METHOD", "TRIES"}};
  for (const json::value& row : rows_of(answer, "reminders")) {
    const json::value* period = member(row, "period_micros");
    const bool once = period == nullptr || !period->is_int64() || period->as_int64() == 0;
    lines.push_back({text_of(row, "name"), time_of(row, "due_micros"),
                     once ? "once" : std::to_string(period->as_int64() / 1'000) + " ms",
                     text_of(row, "catch_up"), text_of(row, "method"), text_of(row, "tries")});
  }
  return count_of(answer, "count") + " reminders\n" + (lines.size() > 1 ? table(lines) : "");
}

}  // namespace

std::string actors_text(const ActorsCommand& command, const json::value& answer) {
  const std::string actor = text_of(answer, "actor");
  const bool changed = is_true(answer, "changed");
  switch (command.action) {
    case ActorsAction::kList:
      return list_text(command, answer);
    case ActorsAction::kShow:
      return show_text(answer);
    case ActorsAction::kExplain:
      return explain_text(answer);
    case ActorsAction::kPause:
      return actor + (changed ? " is paused\n" : " was paused before\n");
    case ActorsAction::kResume:
      return actor + (changed ? " goes on\n" : " was not paused\n");
    case ActorsAction::kDeactivate:
      return actor + (is_true(answer, "was_active")
                          ? " leaves memory, after the turn that runs if one does\n"
                          : " was not in memory\n");
    case ActorsAction::kInbox:
      break;
    case ActorsAction::kReminders:
      return reminders_text(answer);
  }
  if (!command.retry.empty()) {
    return text_of(answer, "retried") + " is in the inbox of " + actor + " again\n";
  }
  if (!command.drop.empty()) {
    return text_of(answer, "dropped") + " is dropped from " + actor + "\n";
  }
  return inbox_text(answer);
}

}  // namespace kelpie::app
