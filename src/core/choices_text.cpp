// choices_text.cpp: writing and reading the line.
#include "choices_text.h"

#include <charconv>
#include <cstring>

namespace presence {

namespace {

class Writer {
 public:
  explicit Writer(char* to) : start_(to), at_(to) {}

  void text(std::string_view text) {
    std::memcpy(at_, text.data(), text.size());
    at_ += text.size();
  }
  void time(Time time) {
    if (time == never)
      text("-");
    else
      number(time);
  }
  void number(int64_t number) { at_ = std::to_chars(at_, at_ + 20, number).ptr; }
  std::size_t length() const { return static_cast<std::size_t>(at_ - start_); }

 private:
  char* start_;
  char* at_;
};

class Reader {
 public:
  explicit Reader(std::string_view rest) : rest_(rest) {}

  bool done() const { return rest_.empty(); }

  // Up to `end`, which is taken away too.
  std::optional<std::string_view> word(char end) {
    const std::size_t length = rest_.find(end);
    if (length == std::string_view::npos) return std::nullopt;
    const std::string_view word = rest_.substr(0, length);
    rest_.remove_prefix(length + 1);
    return word;
  }
  std::optional<int64_t> number(char end) {
    const auto digits = word(end);
    int64_t number;
    if (!digits) return std::nullopt;
    const char* last = digits->data() + digits->size();
    const auto read = std::from_chars(digits->data(), last, number);
    if (read.ec != std::errc{} || read.ptr != last) return std::nullopt;
    return number;
  }
  std::optional<Time> time() {
    if (!rest_.starts_with("- ")) return number(' ');
    rest_.remove_prefix(2);
    return never;
  }
  std::optional<std::string_view> bytes(int64_t count) {
    if (count < 0 || static_cast<uint64_t>(count) > rest_.size()) return std::nullopt;
    const std::string_view taken = rest_.substr(0, static_cast<std::size_t>(count));
    rest_.remove_prefix(taken.size());
    return taken;
  }

 private:
  std::string_view rest_;
};

std::optional<LayerText> read_layer(Reader& reader) {
  const auto name = reader.word(' ');
  const auto status = name ? status_named(*name) : std::nullopt;
  const auto until = reader.time();
  const auto message_until = reader.time();
  const auto bytes = reader.number(':');
  const auto message = bytes ? reader.bytes(*bytes) : std::nullopt;
  if (!status || !until || !message_until || !message) return std::nullopt;
  // Nobody chooses to be online: that is to have chosen nothing.
  if (*status == Status::online || message->size() > max_message_bytes) return std::nullopt;
  return LayerText{*status, *until, *message_until, *message};
}

}  // namespace

std::size_t write_choices(const ChoicesText& choices, char* to) {
  Writer writer(to);
  for (std::size_t i = 0; i < choices.count; i++) {
    const LayerText& layer = choices.layers[i];
    writer.text(name_of(layer.status));
    writer.text(" ");
    writer.time(layer.until);
    writer.text(" ");
    writer.time(layer.message_until);
    writer.text(" ");
    writer.number(static_cast<int64_t>(layer.message.size()));
    writer.text(":");
    writer.text(layer.message);
  }
  return writer.length();
}

std::optional<ChoicesText> read_choices(std::string_view line) {
  ChoicesText choices;
  Reader reader(line);
  while (!reader.done()) {
    const auto layer = read_layer(reader);
    if (!layer || choices.count == max_layers) return std::nullopt;
    choices.layers[choices.count++] = *layer;
  }
  return choices;
}

std::string_view message_at(const ChoicesText& text, Time now) {
  if (text.count == 0) return {};
  // A handle is the place of its message, from 1 on.
  const auto layer = [&](std::size_t i) {
    const LayerText& of = text.layers[i];
    const TextHandle message = of.message.empty() ? 0 : static_cast<TextHandle>(i + 1);
    return Layer{of.until, of.message_until, message, of.status};
  };
  Choices choices;
  choices.top = layer(0);
  choices.depth = static_cast<uint8_t>(text.count - 1);
  for (std::size_t i = 1; i < text.count; i++) choices.earlier[text.count - 1 - i] = layer(i);
  DroppedTexts ignored;
  expire(choices, now, ignored);
  return choices.top.message == 0 ? std::string_view{}
                                  : text.layers[choices.top.message - 1].message;
}

std::string_view message_at(std::string_view line, Time now) {
  const auto text = read_choices(line);
  return text ? message_at(*text, now) : std::string_view{};
}

}  // namespace presence
