#include "real/real_log.h"

#include <fmt/format.h>
#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <algorithm>
#include <ctime>
#include <utility>

#include "base/bytes.h"
#include "real/real_clock.h"

namespace kelpie::real {
namespace {

std::string_view level_name(world::LogLevel level) {
  switch (level) {
    case world::LogLevel::kDebug:
      return "debug";
    case world::LogLevel::kInfo:
      return "info";
    case world::LogLevel::kWarn:
      return "warn";
    case world::LogLevel::kError:
      break;
  }
  return "error";
}

std::string_view level_column(world::LogLevel level) {
  switch (level) {
    case world::LogLevel::kDebug:
      return "DEBUG";
    case world::LogLevel::kInfo:
      return "INFO ";
    case world::LogLevel::kWarn:
      return "WARN ";
    case world::LogLevel::kError:
      break;
  }
  return "ERROR";
}

// Bytes that are not UTF-8 are shown as U+00xx, one by one: a broken value must not break the line.
void append_quoted(std::string& out, std::string_view text) {
  const bool valid = base::is_utf8(text);
  out += '"';
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (byte < 0x20 || byte == 0x7f || (byte >= 0x80 && !valid)) {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", byte);
    } else {
      out += c;
    }
  }
  out += '"';
}

bool is_plain(std::string_view text) {
  return !text.empty() && base::is_utf8(text) && std::ranges::all_of(text, [](char c) {
    return static_cast<unsigned char>(c) > 0x20 && c != '"' && c != '=' && c != '\\' && c != 0x7f;
  });
}

std::string text_line(const LogEvent& event) {
  std::string out =
      fmt::format("{} {} {}", format_time(event.at), level_column(event.level), event.event);
  for (const world::LogField& field : event.fields) {
    out += ' ';
    out += field.name;
    out += '=';
    if (is_plain(field.value)) {
      out += field.value;
    } else {
      append_quoted(out, field.value);
    }
  }
  return out;
}

std::string json_line(const LogEvent& event) {
  std::string out = fmt::format(R"({{"time":"{}","level":"{}","event":)", format_time(event.at),
                                level_name(event.level));
  append_quoted(out, event.event);
  for (const world::LogField& field : event.fields) {
    out += ',';
    append_quoted(out, field.name);
    out += ':';
    append_quoted(out, field.value);
  }
  out += '}';
  return out;
}

spdlog::sink_ptr make_sink(std::ostream* out) {
  if (out != nullptr) {
    return std::make_shared<spdlog::sinks::ostream_sink_mt>(*out, true);
  }
  return std::make_shared<spdlog::sinks::stderr_sink_mt>();
}

}  // namespace

std::string format_log_line(LogFormat format, const LogEvent& event) {
  return format == LogFormat::kJson ? json_line(event) : text_line(event);
}

struct RealLog::Sink {
  explicit Sink(std::ostream* out) : logger("kelpie", make_sink(out)) {
    // Level, time and layout are ours; spdlog writes whole lines, one at a time.
    logger.set_level(spdlog::level::trace);
    logger.set_formatter(std::make_unique<spdlog::pattern_formatter>("%v"));
  }
  spdlog::logger logger;
};

RealLog::RealLog(LogOptions options)
    : options_(options), sink_(std::make_unique<Sink>(options.out)) {}
RealLog::~RealLog() = default;

void RealLog::write(world::LogLevel level, std::string_view event,
                    std::initializer_list<world::LogField> fields) {
  if (!enabled(level)) {
    return;
  }
  const LogEvent entry{.at = RealClock().wall(),
                       .level = level,
                       .event = event,
                       .fields = std::span(fields.begin(), fields.size())};
  sink_->logger.log(spdlog::level::info,
                    spdlog::string_view_t(format_log_line(options_.format, entry)));
}

}  // namespace kelpie::real
