"""Transcripts: the bot's name typed in any chat."""

from sandbox.world import links
from tests.e2e.starling import SAM, Someone, Starling


async def test_links_are_sent_into_any_chat_and_everybody_sees_only_their_own(
    starling: Starling, nadia: Someone
) -> None:
    typed, offered = await nadia.types_inline("", group="Friends")
    mine = [one.url for one in starling.world.links if not one.revoked]
    assert len(offered.results) == 7
    assert all(one.buttons[0][0].url in mine for one in offered.results)
    card = nadia.picks_result(typed, "Word Garden")
    assert "Ad. This is a referral link" in card.text
    await starling.follows(card.button("Open Word Garden").url or "")

    sam = starling.person(SAM)
    asked, nothing = await sam.types_inline("")
    assert not asked.from_cache
    assert nothing.results == ()
    own = links.connect(starling.world, SAM, SAM, 8000002).links[0].url
    await sam.says(own, sees="is alive")
    await sam.presses("Keep it under My links", sees="Kept.")
    _, offered = await sam.types_inline("")
    assert [one.buttons[0][0].url for one in offered.results] == [own]
    assert not {own} & {one.buttons[0][0].url for one in (await nadia.types_inline(""))[1].results}


async def test_a_word_finds_programs_and_the_card_leads_others_to_the_bot(starling: Starling, nadia: Someone) -> None:
    typed, offered = await nadia.types_inline("night", group="Friends")
    assert {one.title for one in offered.results} == {"Quiz Night", "Night Radio"}
    url = nadia.picks_result(typed, "Quiz Night").button("See the program").url or ""
    us, _, payload = url.removeprefix("https://t.me/").partition("?start=")
    assert us == starling.sandbox.our_bot.username
    await starling.person(SAM).says(f"/start {payload}", sees="Quiz Night")
