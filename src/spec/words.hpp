// SPDX-License-Identifier: Apache-2.0
// The closed word lists of the standard: what config.json may say, and the enumerator each word stands for.
// parse reads with them, `features` prints them.
#pragma once

#include <array>
#include <span>
#include <string_view>

#include "spec/spec.hpp"

namespace bulkhead::spec {

template <class Meaning>
struct Word {
    std::string_view text;
    Meaning meaning;
};

// The list, and how runc says that a word is not in it: before + word + after.
template <class Meaning>
struct WordList {
    std::string_view before;
    std::string_view after;
    std::span<const Word<Meaning>> words;
};

template <class Meaning>
const WordList<Meaning>& word_list();

template <>
const WordList<NamespaceType>& word_list();
template <>
const WordList<Clock>& word_list();
template <>
const WordList<DeviceType>& word_list();
template <>
const WordList<DeviceRuleType>& word_list();
template <>
const WordList<Propagation>& word_list();
template <>
const WordList<PersonalityDomain>& word_list();
template <>
const WordList<MemoryPolicyMode>& word_list();
template <>
const WordList<MemoryPolicyFlag>& word_list();
template <>
const WordList<SchedulerPolicy>& word_list();
template <>
const WordList<SchedulerFlag>& word_list();
template <>
const WordList<IoPriorityClass>& word_list();
template <>
const WordList<SeccompAction>& word_list();
template <>
const WordList<SeccompArch>& word_list();
template <>
const WordList<SeccompFlag>& word_list();
template <>
const WordList<SeccompOp>& word_list();

// RLIMIT_* names and the kernel's numbers.
struct RlimitName {
    std::string_view text;
    int meaning;
};
std::span<const RlimitName> rlimit_names();

// The first word that stands for `meaning`: "network".
template <class Meaning>
std::string_view word(Meaning meaning) {
    for (const Word<Meaning>& entry : word_list<Meaning>().words)
        if (entry.meaning == meaning) return entry.text;
    return {};
}

}  // namespace bulkhead::spec
