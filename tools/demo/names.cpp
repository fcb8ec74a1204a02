// names.cpp: first and last names from many places.
#include "names.h"

#include <array>
#include <functional>
#include <string_view>

namespace demo {
namespace {

using namespace std::string_view_literals;

constexpr std::array first_names = {
    "Ada"sv,   "Aisha"sv,  "Akira"sv,   "Amara"sv, "Anders"sv, "Anna"sv,   "Arjun"sv, "Beatriz"sv,
    "Ben"sv,   "Bruno"sv,  "Carmen"sv,  "Chidi"sv, "Clara"sv,  "Dana"sv,   "Diego"sv, "Elena"sv,
    "Elif"sv,  "Emeka"sv,  "Emma"sv,    "Farah"sv, "Felix"sv,  "Freya"sv,  "Gita"sv,  "Hana"sv,
    "Hugo"sv,  "Ines"sv,   "Ivan"sv,    "Jamal"sv, "Jonas"sv,  "Jun"sv,    "Kai"sv,   "Keiko"sv,
    "Lars"sv,  "Leila"sv,  "Lena"sv,    "Liam"sv,  "Lucia"sv,  "Malik"sv,  "Marta"sv, "Mateo"sv,
    "Mei"sv,   "Mina"sv,   "Nadia"sv,   "Nils"sv,  "Noor"sv,   "Olga"sv,   "Omar"sv,  "Pablo"sv,
    "Priya"sv, "Rafael"sv, "Rosa"sv,    "Samir"sv, "Sara"sv,   "Sofia"sv,  "Tariq"sv, "Tomas"sv,
    "Uma"sv,   "Viktor"sv, "Wanjiru"sv, "Yara"sv,  "Yuki"sv,   "Zainab"sv, "Zoe"sv};

constexpr std::array last_names = {
    "Abe"sv,      "Adeyemi"sv, "Ahmed"sv,   "Alvarez"sv, "Andersen"sv,  "Banerjee"sv, "Bauer"sv,
    "Becker"sv,   "Berg"sv,    "Bianchi"sv, "Castro"sv,  "Chen"sv,      "Costa"sv,    "Demir"sv,
    "Diallo"sv,   "Dubois"sv,  "Evans"sv,   "Fischer"sv, "Garcia"sv,    "Hansen"sv,   "Hassan"sv,
    "Horvat"sv,   "Ito"sv,     "Jansen"sv,  "Kamau"sv,   "Khan"sv,      "Kim"sv,      "Kovacs"sv,
    "Larsen"sv,   "Lee"sv,     "Lopez"sv,   "Mbeki"sv,   "Mendes"sv,    "Moreau"sv,   "Mori"sv,
    "Nakamura"sv, "Nguyen"sv,  "Novak"sv,   "Obi"sv,     "Okafor"sv,    "Olsen"sv,    "Park"sv,
    "Patel"sv,    "Petrov"sv,  "Rahman"sv,  "Ricci"sv,   "Rossi"sv,     "Santos"sv,   "Sato"sv,
    "Schmidt"sv,  "Silva"sv,   "Singh"sv,   "Suzuki"sv,  "Takahashi"sv, "Torres"sv,   "Usman"sv,
    "Vega"sv,     "Vogel"sv,   "Wagner"sv,  "Walker"sv,  "Wang"sv,      "Weber"sv,    "Yilmaz"sv};

}  // namespace

std::string name_of_person(const std::string& user) {
  const std::size_t hash = std::hash<std::string>()(user);
  return std::string(first_names[hash % first_names.size()]) + " " +
         std::string(last_names[hash / first_names.size() % last_names.size()]);
}

}  // namespace demo
