"""Stories, mails, reports, talk, docstrings, verses: what is asked for can be found in what is told."""

import random
import re

import pytest

from fasts2s.apps.worlds import mail, mail_templates, talk, talk_lines
from fasts2s.apps.worlds.docstrings import docstring_parts, first_words, words_of
from fasts2s.apps.worlds.reports import report_pair
from fasts2s.apps.worlds.stories import ACTORS, LONGEST, PLACES, SHORTEST, story_pair
from fasts2s.apps.worlds.verses import rhymes, verse, verses


def answer_by_reading(text, korean):
    """Read a story sentence by sentence, as a reader would, and answer its question."""
    *told, question = re.split(r"(?<=[.?])\s+", text)
    actors, places = ([both[korean] for both in all_of_them] for all_of_them in (ACTORS, PLACES))
    where = {}
    for sentence in told:
        (actor,) = [name for name in actors if name in sentence]
        (place,) = [name for name in places if name in sentence]
        where[actor] = place
    (asked,) = [name for name in actors if name in question]
    return where[asked]


@pytest.mark.parametrize("language", ["en", "ko"])
def test_a_reader_finds_the_answers(language):
    rng = random.Random(5)
    drawn = [story_pair(rng, language) for _ in range(500)]
    assert [answer_by_reading(pair.source, language == "ko") for pair in drawn] == [pair.target for pair in drawn]
    lengths = {pair.source.count(".") for pair in drawn}
    assert lengths == set(range(SHORTEST, LONGEST + 1))


def test_korean_particles_of_stories():
    rng = random.Random(0)
    told = " ".join(story_pair(rng, "ko").source for _ in range(200))
    assert {"요리사가", "선생님이", "부엌으로", "기차역으로", "사무실로", "지하실로", "의사는", "선생님은"} <= set(
        told.split()
    )


@pytest.mark.parametrize("language", ["en", "ko"])
def test_replies_repeat_what_the_mail_says(language):
    rng = random.Random(7)
    for _ in range(400):
        drawn = mail.mail_pair(rng, language)
        asked, said = mail.slots_in(drawn.source), mail.slots_in(drawn.target)
        assert len(said) >= 3
        assert not set(said) - set(asked), drawn
        assert "{" not in drawn.source + drawn.target


def test_every_kind_of_mail_is_in_both_languages_and_tones():
    kinds = {kind for kind, _, _ in mail_templates.TEMPLATES}
    assert set(mail_templates.TEMPLATES) == {
        (kind, language, tone) for kind in kinds for language in ("en", "ko") for tone in (0, 1)
    }
    replies = [template.reply for template in mail_templates.TEMPLATES.values()]
    assert len(set(replies)) == len(replies)


def test_a_slot_that_is_wrong_or_missing_is_seen():
    target = "hi cook! sure: old mill, 4 may, 10:30. the budget it is."
    assert mail.slots_in(target) == ["cook", "old mill", "4", "may", "10", "30", "budget"]
    right = "cook: old mill 4 may 10:30 budget"
    assert mail.all_slots_right("", right, target) == 1
    for wrong in ("4 june", "may", "5 may"):
        assert mail.all_slots_right("", right.replace("4 may", wrong), target) == 0


def test_leave_does_not_end_before_it_begins():
    rng, seen = random.Random(2), 0
    for _ in range(300):
        found = re.search(r"(\d+)월 (\d+)일 부터 (\d+)월 (\d+)일", mail.mail_pair(rng, "ko").target)
        if found:
            one, two, three, four = map(int, found.groups())
            assert (one, two) <= (three, four)
            seen += 1
    assert seen > 20


@pytest.mark.parametrize("kind", ["weather", "match", "shares"])
def test_headlines_say_what_the_report_says(kind):
    rng = random.Random(1)
    for _ in range(150):
        drawn = report_pair(rng, kind)
        told = {*words_of(drawn.source), "in", "up", "down", "beat", "degrees", "wind", "after", "at", "on"}
        assert set(words_of(drawn.target)) <= told, drawn
        assert ("up" in drawn.target.split()) == any(way in drawn.source for way in ("rose", "climbed"))
        assert len(drawn.target.split()) < len(drawn.source.split()) / 2


def test_talk_is_of_some_300_lines_each_of_which_has_one_answer():
    assert sum(len(ways) + 1 for lines in talk.LINES.values() for ways, _ in lines) >= 300
    for lines in talk.LINES.values():
        ways = [way for all_of_them, _ in lines for way in all_of_them]
        assert len(set(ways)) == len(ways)
        assert all(len(all_of_them) == 3 and answer for all_of_them, answer in lines)
    assert talk_lines.lines_of("a | b = c") == [(["a", "b"], "c")]
    drawn = [talk.talk_pair(random.Random(k)) for k in range(200)]
    assert {any("가" <= char <= "힣" for char in pair.target) for pair in drawn} == {True, False}


def test_docstrings_are_read_and_not_run(tmp_path):
    below = "This is what stands below the first line of it, and it is long enough."
    text = f'raise SystemExit\n\ndef read_it(a):\n    """Read the file again.\n\n    {below}\n    """\n'
    (tmp_path / "module.py").write_text(text, encoding="utf-8")
    (tmp_path / "broken.py").write_text("def", encoding="utf-8")
    (tmp_path / "test").mkdir()
    (tmp_path / "test" / "module.py").write_text(text.replace("again", "twice"), encoding="utf-8")
    parts = docstring_parts(str(tmp_path))
    rows = [pair for part in parts for pair in part]
    assert rows == [(" ".join(["read", "it", ":", *words_of(below)]), "read the file again")]
    assert first_words(rows[0][0]) == "this is what stands below the first line"


def test_the_library_has_docstrings_enough():
    parts = docstring_parts()
    assert len(parts.train) > 800
    assert min(len(parts.held_out), len(parts.test)) > 50
    assert not set(parts.train.targets) & {*parts.held_out.targets, *parts.test.targets}


def test_verses_rhyme():
    rng = random.Random(0)
    drawn = [verse(rng) for _ in range(300)]
    assert all(map(rhymes, drawn))
    assert len(verses(50, 1).splitlines()) == len(set(verses(50, 1).splitlines())) == 50
    assert verses(5, 1) == verses(5, 1) != verses(5, 2)
    for wrong in ("a cat / a moon", "a cat / a cat", "a cat", "a cat / a hat / a bat", ""):
        assert not rhymes(wrong)
