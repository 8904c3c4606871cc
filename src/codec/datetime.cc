#include "codec/datetime.h"

#include <cstdint>
#include <cstdio>

namespace kelpie::codec {
namespace {

constexpr int64_t kNanosPerSecond = 1'000'000'000;
constexpr int64_t kSecondsPerDay = 86'400;

struct Date {
  int64_t year = 1970;
  int64_t month = 1;
  int64_t day = 1;
};

int64_t floor_divide(int64_t a, int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

// Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms" (days_from_civil,
// civil_from_days): the proleptic Gregorian calendar in eras of 400 years that start in March.
int64_t days_from_civil(const Date& date) {
  const int64_t year = date.year - (date.month <= 2 ? 1 : 0);
  const int64_t era = floor_divide(year, 400);
  const int64_t year_of_era = year - era * 400;
  const int64_t month_from_march = date.month + (date.month > 2 ? -3 : 9);
  const int64_t day_of_year = (153 * month_from_march + 2) / 5 + date.day - 1;
  const int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146'097 + day_of_era - 719'468;
}

Date civil_from_days(int64_t days) {
  days += 719'468;
  const int64_t era = floor_divide(days, 146'097);
  const int64_t day_of_era = days - era * 146'097;
  const int64_t year_of_era =
      (day_of_era - day_of_era / 1'460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const int64_t day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const int64_t month_from_march = (5 * day_of_year + 2) / 153;
  Date date;
  date.day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
  date.month = month_from_march + (month_from_march < 10 ? 3 : -9);
  date.year = year_of_era + era * 400 + (date.month <= 2 ? 1 : 0);
  return date;
}

int64_t days_in_month(int64_t year, int64_t month) {
  if (month == 2) {
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28;
  }
  return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

enum class Fraction { kNone, kMicros };

std::string format(WallTime time, Fraction fraction) {
  const int64_t seconds = floor_divide(time.nanos(), kNanosPerSecond);
  // Not `nanos - seconds * 10^9`: at the earliest WallTime that product does not fit.
  const int64_t nanos_of_second =
      (time.nanos() % kNanosPerSecond + kNanosPerSecond) % kNanosPerSecond;
  const auto micros = static_cast<int>(nanos_of_second / 1'000);
  const int64_t days = floor_divide(seconds, kSecondsPerDay);
  const auto of_day = static_cast<int>(seconds - days * kSecondsPerDay);
  const Date date = civil_from_days(days);
  char head[64];
  std::snprintf(head, sizeof head, "%04d-%02d-%02dT%02d:%02d:%02d", static_cast<int>(date.year),
                static_cast<int>(date.month), static_cast<int>(date.day), of_day / 3'600,
                of_day / 60 % 60, of_day % 60);
  std::string text = head;
  if (fraction == Fraction::kMicros) {
    char tail[16];
    std::snprintf(tail, sizeof tail, ".%06d", micros);
    text += tail;
  }
  return text + "+00:00";
}

// Reads from the front of a text; once something did not fit, `failed` stays.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  int64_t number(size_t digits) {
    int64_t value = 0;
    for (size_t i = 0; i < digits; ++i) {
      if (text_.empty() || text_[0] < '0' || text_[0] > '9') {
        failed_ = true;
        return 0;
      }
      value = value * 10 + (text_[0] - '0');
      text_.remove_prefix(1);
    }
    return value;
  }
  bool accept(char c) {
    if (text_.empty() || text_[0] != c) {
      return false;
    }
    text_.remove_prefix(1);
    return true;
  }
  void expect(char c) { failed_ = !accept(c) || failed_; }
  // Nanoseconds after the decimal point, if there is one.
  int64_t fraction() {
    if (!accept('.') && !accept(',')) {
      return 0;
    }
    int64_t nanos = number(1);
    int digits = 1;
    for (; !text_.empty() && text_[0] >= '0' && text_[0] <= '9' && digits < 9; ++digits) {
      nanos = nanos * 10 + number(1);
    }
    for (; digits < 9; ++digits) {
      nanos *= 10;
    }
    return nanos;
  }
  [[nodiscard]] bool ended() const { return text_.empty(); }
  [[nodiscard]] bool failed() const { return failed_; }

 private:
  std::string_view text_;
  bool failed_ = false;
};

// Seconds east of UTC.
int64_t read_offset(Reader& reader) {
  if (reader.ended() || reader.accept('Z') || reader.accept('z')) {
    return 0;
  }
  int64_t sign = 1;
  if (!reader.accept('+')) {
    reader.expect('-');
    sign = -1;
  }
  const int64_t hours = reader.number(2);
  reader.accept(':');
  const int64_t minutes = reader.ended() ? 0 : reader.number(2);
  return sign * (hours * 3'600 + minutes * 60);
}

}  // namespace

std::string format_seconds(WallTime time) { return format(time, Fraction::kNone); }
std::string format_micros(WallTime time) { return format(time, Fraction::kMicros); }

std::string format_http_date(WallTime time) {
  static constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const int64_t seconds = floor_divide(time.nanos(), kNanosPerSecond);
  const int64_t days = floor_divide(seconds, kSecondsPerDay);
  const auto of_day = static_cast<int>(seconds - days * kSecondsPerDay);
  const Date date = civil_from_days(days);
  // 1970-01-01 was a Thursday.
  const int64_t weekday = ((days + 4) % 7 + 7) % 7;
  char text[64];
  std::snprintf(text, sizeof text, "%s, %02d %s %04d %02d:%02d:%02d GMT", kDays[weekday],
                static_cast<int>(date.day), kMonths[date.month - 1], static_cast<int>(date.year),
                of_day / 3'600, of_day / 60 % 60, of_day % 60);
  return text;
}

Result<WallTime> parse_datetime(std::string_view text) {
  Reader reader(text);
  Date date;
  date.year = reader.number(4);
  reader.expect('-');
  date.month = reader.number(2);
  reader.expect('-');
  date.day = reader.number(2);
  int64_t of_day = 0;
  int64_t nanos = 0;
  if (!reader.ended()) {
    if (!reader.accept('T') && !reader.accept('t')) {
      reader.expect(' ');
    }
    const int64_t hour = reader.number(2);
    reader.expect(':');
    const int64_t minute = reader.number(2);
    reader.expect(':');
    const int64_t second = reader.number(2);
    if (hour > 23 || minute > 59 || second > 59) {
      return base::invalid_argument("expected a time of day from 00:00:00 to 23:59:59");
    }
    of_day = hour * 3'600 + minute * 60 + second;
    nanos = reader.fraction();
    of_day -= read_offset(reader);
  }
  if (reader.failed() || !reader.ended()) {
    return base::invalid_argument("expected a time like 2026-11-20T21:02:12.123456+00:00");
  }
  // A WallTime is 64 bits of nanoseconds: a little more than 1677-09-21 to 2262-04-11.
  if (date.month < 1 || date.month > 12 || date.day < 1 ||
      date.day > days_in_month(date.year, date.month) || date.year < 1678 || date.year > 2261) {
    return base::invalid_argument("expected a day of the calendar from 1678 to 2261");
  }
  const int64_t seconds = days_from_civil(date) * kSecondsPerDay + of_day;
  return WallTime::from_nanos(seconds * kNanosPerSecond + nanos);
}

}  // namespace kelpie::codec
