#include "codec/json.h"

#include <boost/json/array.hpp>
#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/object.hpp>
#include <boost/json/string.hpp>
#include <boost/json/value_stack.hpp>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/check.h"

namespace kelpie::codec {
namespace {

namespace json = boost::json;

// Builds a value as Boost's own handler does, but converts decimals itself: Boost 1.81's
// conversion is off by a unit in the last place now and then, and `0.7` must come back as `0.7`.
class Builder {
 public:
  static constexpr std::size_t max_object_size = json::object::max_size();
  static constexpr std::size_t max_array_size = json::array::max_size();
  static constexpr std::size_t max_key_size = json::string::max_size();
  static constexpr std::size_t max_string_size = json::string::max_size();

  Builder() { stack_.reset(); }
  json::value release() { return stack_.release(); }

  bool on_document_begin(json::error_code&) { return true; }
  bool on_document_end(json::error_code&) { return true; }
  bool on_object_begin(json::error_code&) { return true; }
  bool on_object_end(std::size_t n, json::error_code&) {
    stack_.push_object(n);
    return true;
  }
  bool on_array_begin(json::error_code&) { return true; }
  bool on_array_end(std::size_t n, json::error_code&) {
    stack_.push_array(n);
    return true;
  }
  bool on_key_part(json::string_view s, std::size_t, json::error_code&) {
    stack_.push_chars(s);
    return true;
  }
  bool on_key(json::string_view s, std::size_t, json::error_code&) {
    stack_.push_key(s);
    return true;
  }
  bool on_string_part(json::string_view s, std::size_t, json::error_code&) {
    stack_.push_chars(s);
    return true;
  }
  bool on_string(json::string_view s, std::size_t, json::error_code&) {
    stack_.push_string(s);
    return true;
  }
  bool on_number_part(json::string_view s, json::error_code&) {
    number_.append(s.data(), s.size());
    return true;
  }
  bool on_int64(std::int64_t i, json::string_view, json::error_code&) {
    number_.clear();
    stack_.push_int64(i);
    return true;
  }
  bool on_uint64(std::uint64_t u, json::string_view, json::error_code&) {
    number_.clear();
    stack_.push_uint64(u);
    return true;
  }
  bool on_double(double approximate, json::string_view s, json::error_code& error) {
    number_.append(s.data(), s.size());
    double exact = 0;
    const char* end = number_.data() + number_.size();
    const auto [rest, code] = std::from_chars(number_.data(), end, exact);
    if (code == std::errc::result_out_of_range) {
      if (!(std::fabs(approximate) < 1)) {
        error = json::error::exponent_overflow;
        return false;
      }
      exact = 0;
    } else if (code != std::errc() || rest != end) {
      exact = approximate;
    }
    number_.clear();
    stack_.push_double(exact);
    return true;
  }
  bool on_bool(bool b, json::error_code&) {
    stack_.push_bool(b);
    return true;
  }
  bool on_null(json::error_code&) {
    stack_.push_null();
    return true;
  }
  bool on_comment_part(json::string_view, json::error_code&) { return true; }
  bool on_comment(json::string_view, json::error_code&) { return true; }

 private:
  json::value_stack stack_;
  std::string number_;
};

void append_string(std::string& out, std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  out.push_back('"');
  size_t from = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c != '"' && c != '\\') {
      continue;
    }
    out.append(text, from, i - from);
    from = i + 1;
    out.push_back('\\');
    switch (c) {
      case '"':
      case '\\':
        out.push_back(static_cast<char>(c));
        break;
      case '\b':
        out.push_back('b');
        break;
      case '\f':
        out.push_back('f');
        break;
      case '\n':
        out.push_back('n');
        break;
      case '\r':
        out.push_back('r');
        break;
      case '\t':
        out.push_back('t');
        break;
      default:
        out.append("u00");
        out.push_back(kHex[c >> 4]);
        out.push_back(kHex[c & 15]);
    }
  }
  out.append(text, from, text.size() - from);
  out.push_back('"');
}

template <class Integer>
void append_integer(std::string& out, Integer number) {
  char buffer[24];
  const auto [end, code] = std::to_chars(buffer, buffer + sizeof buffer, number);
  CHECK(code == std::errc());
  out.append(buffer, end);
}

void append_double(std::string& out, double number) {
  if (!std::isfinite(number)) {
    out.append("null");
    return;
  }
  char buffer[64];
  const double magnitude = std::fabs(number);
  if (magnitude == 0 || (magnitude >= 1e-6 && magnitude < 1e21)) {
    const auto [end, code] =
        std::to_chars(buffer, buffer + sizeof buffer, number, std::chars_format::fixed);
    CHECK(code == std::errc());
    const std::string_view text(buffer, static_cast<size_t>(end - buffer));
    out.append(text);
    if (text.find('.') == std::string_view::npos) {
      out.append(".0");
    }
    return;
  }
  const auto [end, code] =
      std::to_chars(buffer, buffer + sizeof buffer, number, std::chars_format::scientific);
  CHECK(code == std::errc());
  const std::string_view text(buffer, static_cast<size_t>(end - buffer));
  const size_t e = text.find('e');
  CHECK(e != std::string_view::npos);
  out.append(text.substr(0, e + 1));
  size_t digit = e + 1;
  if (text[digit] == '-') {
    out.push_back('-');
  }
  digit = text.find_first_not_of("+-0", digit);
  CHECK(digit != std::string_view::npos);
  out.append(text.substr(digit));
}

void append_value(std::string& out, const json::value& value) {
  switch (value.kind()) {
    case json::kind::null:
      out.append("null");
      break;
    case json::kind::bool_:
      out.append(value.get_bool() ? "true" : "false");
      break;
    case json::kind::int64:
      append_integer(out, value.get_int64());
      break;
    case json::kind::uint64:
      append_integer(out, value.get_uint64());
      break;
    case json::kind::double_:
      append_double(out, value.get_double());
      break;
    case json::kind::string:
      append_string(out, std::string_view(value.get_string().data(), value.get_string().size()));
      break;
    case json::kind::array: {
      char before = '[';
      for (const json::value& element : value.get_array()) {
        out.push_back(before);
        append_value(out, element);
        before = ',';
      }
      out.append(before == '[' ? "[]" : "]");
      break;
    }
    case json::kind::object: {
      char before = '{';
      for (const json::key_value_pair& member : value.get_object()) {
        out.push_back(before);
        append_string(out, std::string_view(member.key().data(), member.key().size()));
        out.push_back(':');
        append_value(out, member.value());
        before = ',';
      }
      out.append(before == '{' ? "{}" : "}");
      break;
    }
  }
}

}  // namespace

Result<boost::json::value> parse_json(ByteView text) {
  json::parse_options options;
  options.max_depth = kJsonDepthMax;
  json::basic_parser<Builder> parser(options);
  json::error_code error;
  size_t used = 0;
  try {
    used = parser.write_some(false, text.data(), text.size(), error);
  } catch (const std::exception& thrown) {
    return base::invalid_argument(std::string("expected JSON: ") + thrown.what());
  }
  if (!error && used < text.size()) {
    error = json::error::extra_data;
  }
  if (error) {
    return base::invalid_argument("expected JSON: " + error.message() + " at byte " +
                                  std::to_string(used) + " of " + std::to_string(text.size()));
  }
  return parser.handler().release();
}

std::string write_json(const boost::json::value& value) {
  std::string out;
  append_value(out, value);
  return out;
}

std::string write_json_string(std::string_view text) {
  std::string out;
  append_string(out, text);
  return out;
}

}  // namespace kelpie::codec
