"""Programs: the list and one card."""

from bot.callbacks import ProgramsPage
from bot.screens import programs as screens
from tests.screens.examples import Example
from tests.unit.bot_samples import END, GARDEN, KITCHEN, card, program, programs

US = "starling_bot"
QUIZ = program()
FOREVER = program(title="Chess Club", username="chess_bot", duration_months=None, commission_permille=300, joined=True)
CLOSING = program(title="حديقة <3", username="garden_bot", duration_months=6, end_date=END, daily_revenue_nanos=None)
BARRED = KITCHEN.model_copy(update={"may_connect": False})
JOINED = GARDEN.model_copy(update={"joined": True})

EXAMPLES: dict[str, Example] = {
    "list": lambda texts: screens.programs_page(texts, programs(QUIZ, FOREVER, CLOSING)),
    "list, a middle page": lambda texts: screens.programs_page(texts, programs(QUIZ, page=1, pages=3, total=13)),
    "list, narrowed": lambda texts: screens.programs_page(
        texts, programs(FOREVER, sort="revenue", min_permille=300, forever=True, words="chess")
    ),
    "list, newest first, and renewed meanwhile": lambda texts: screens.programs_page(
        texts, programs(QUIZ, sort="date"), note="programs.note_renewed"
    ),
    "list, nothing fits": lambda texts: screens.programs_page(
        texts, programs(words="chess", min_permille=500, forever=True)
    ),
    "list, empty": lambda texts: screens.programs_page(texts, programs(read_at=None)),
    "search": lambda texts: screens.ask_for_words(texts, ProgramsPage()),
    "card, one balance": lambda texts: screens.program_card(texts, card(GARDEN), US),
    "card, the one balance barred": lambda texts: screens.program_card(texts, card(BARRED), US),
    "card, joined with one of two": lambda texts: screens.program_card(texts, card(JOINED, KITCHEN), US),
    "card, forever, without a figure": lambda texts: screens.program_card(
        texts, card(duration_months=None, daily_revenue_nanos=None), US
    ),
    "card, closing": lambda texts: screens.program_card(texts, card(GARDEN, end_date=END), US),
    "card, of a name that runs the other way": lambda texts: screens.program_card(
        texts, card(title=CLOSING.title, username=CLOSING.username), US
    ),
    "card, closing when it was to be joined": lambda texts: screens.program_card(
        texts, card(GARDEN, end_date=END), US, note="join.note_closing"
    ),
}
