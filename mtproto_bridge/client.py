"""The typed client the bot asks the bridge through: `await bridge.join(caller, balance, bot, nonce)`."""

from mtproto_bridge.asking import Asking, Caller, LateReply, OnEvent, embedded_url, storage_pool
from mtproto_bridge.protocol import BridgeError, ErrorCode
from mtproto_bridge.protocol.ids import AffiliationId, BalanceId, BotId, RegistrationId, WatchedId
from mtproto_bridge.protocol.replies import (
    AffiliationPage,
    Affiliations,
    Balances,
    Cards,
    ChannelPage,
    ChannelRemoved,
    Channels,
    CheckedLink,
    Forgotten,
    OpenRegistrations,
    Operations,
    ProgramCard,
    Programs,
    Registration,
    RegistrationPage,
    TermsAccepted,
    Unwatched,
    WatchedPage,
)
from mtproto_bridge.protocol.requests import (
    AcceptTerms,
    AdvanceRegistration,
    BanPerson,
    BrowsePrograms,
    CheckLink,
    DecideRegistration,
    ForgetPerson,
    Join,
    ListAffiliations,
    ListBalances,
    ListCards,
    ListChannels,
    ListOpenRegistrations,
    ProgramSort,
    RemoveChannel,
    ResumeRegistration,
    Revoke,
    ShowAffiliation,
    ShowChannel,
    ShowOperations,
    ShowProgram,
    ShowWatched,
    Sort,
    StartRegistration,
    UnwatchLink,
    WatchLink,
)

__all__ = ["BridgeClient", "Caller", "LateReply", "OnEvent", "embedded_url", "storage_pool"]


class BridgeClient(Asking):
    """What can be asked. Every method raises as `Asking` says."""

    async def list_balances(self, caller: Caller) -> Balances:
        """The balances the caller may act for."""
        return await self._at_desk(caller, ListBalances(), Balances)

    async def browse_programs(  # noqa: PLR0913 - all that can be wanted
        self,
        caller: Caller,
        *,
        page: int,
        size: int,
        sort: ProgramSort = "profit",
        min_permille: int = 0,
        forever: bool = False,
        words: str = "",
        crawl: int | None = None,
    ) -> Programs:
        """One page of programs, in one of Telegram's orders, as far as they are wanted."""
        wanted = BrowsePrograms(
            page=page, size=size, sort=sort, min_permille=min_permille, forever=forever, words=words, crawl=crawl
        )
        return await self._at_desk(caller, wanted, Programs)

    async def show_program(
        self, caller: Caller, *, username: str | None = None, bot_id: BotId | None = None
    ) -> ProgramCard:
        """One program, by username or bot id, with the caller's balances."""
        return await self._at_desk(caller, ShowProgram(username=username, bot_id=bot_id), ProgramCard)

    async def list_affiliations(self, caller: Caller, *, page: int, size: int, sort: Sort = "date") -> Affiliations:
        """One page of the caller's links over all balances, at most 60 s old, and of those they have watched."""
        return await self._at_desk(caller, ListAffiliations(page=page, size=size, sort=sort), Affiliations)

    async def list_cards(self, caller: Caller, *, page: int, size: int) -> Cards:
        """One page of the caller's live links, own and watched, with their URLs; at most 60 s old."""
        return await self._at_desk(caller, ListCards(page=page, size=size), Cards)

    async def show_affiliation(self, caller: Caller, balance_id: BalanceId, bot_id: BotId) -> AffiliationPage:
        """A balance's link for a program as it is now, with its URL."""
        return await self._for_balance(caller, ShowAffiliation(balance_id=balance_id, bot_id=bot_id), AffiliationPage)

    async def accept_terms(self, caller: Caller, version: int) -> TermsAccepted:
        """The caller accepts the terms of this version, those they were shown."""
        return await self._at_desk(caller, AcceptTerms(version=version), TermsAccepted)

    async def join(self, caller: Caller, balance_id: BalanceId, bot_id: BotId, nonce: str) -> AffiliationPage:
        """Connect a balance to a program; joining twice gives the same link."""
        return await self._for_balance(caller, Join(balance_id=balance_id, bot_id=bot_id), AffiliationPage, nonce=nonce)

    async def revoke(
        self, caller: Caller, balance_id: BalanceId, affiliation_id: AffiliationId, nonce: str
    ) -> AffiliationPage:
        """Revoke one certain link; revoking twice is a success."""
        payload = Revoke(balance_id=balance_id, affiliation_id=affiliation_id)
        return await self._for_balance(caller, payload, AffiliationPage, nonce=nonce)

    # -- channels -------------------------------------------------------------------------------------------

    async def list_channels(self, caller: Caller) -> Channels:
        """The caller's channels with their health, and their registrations under way."""
        return await self._at_desk(caller, ListChannels(), Channels)

    async def show_channel(self, caller: Caller, balance_id: BalanceId) -> ChannelPage:
        """One channel as it is now: the bridge's right is read back."""
        return await self._for_balance(caller, ShowChannel(balance_id=balance_id), ChannelPage)

    async def remove_channel(
        self, caller: Caller, balance_id: BalanceId, nonce: str, *, revoke_links: bool
    ) -> ChannelRemoved:
        """Take the bridge out of a channel; removing twice is a success."""
        payload = RemoveChannel(balance_id=balance_id, revoke_links=revoke_links)
        return await self._for_balance(caller, payload, ChannelRemoved, nonce=nonce)

    async def start_registration(
        self, caller: Caller, channel_id: int, *, title: str, username: str | None = None
    ) -> RegistrationPage:
        """The caller picked a channel (bare id); what was begun for it goes on."""
        payload = StartRegistration(channel_id=channel_id, title=title, username=username)
        return await self._at_desk(caller, payload, RegistrationPage)

    async def resume_registration(
        self, caller: Caller, registration_id: RegistrationId, *, by_itself: bool = False
    ) -> RegistrationPage:
        """Where a registration stands; `by_itself`: the caller did not ask just now."""
        payload = ResumeRegistration(registration_id=registration_id, by_itself=by_itself)
        return await self._at_desk(caller, payload, RegistrationPage)

    async def advance_registration(
        self, caller: Caller, registration: Registration, *, invite: str | None = None
    ) -> RegistrationPage:
        """Let the bridge go as far as it can; with `invite` its account comes in. Its state says what is next."""
        if registration.account is None:
            raise BridgeError(ErrorCode.REGISTRATION_GONE)
        payload = AdvanceRegistration(registration_id=registration.id, invite=invite)
        return await self._follow(caller, registration.account.id, payload, RegistrationPage)

    async def list_open_registrations(self, caller: Caller) -> OpenRegistrations:
        """The registrations under way of everybody, for a bot that has just started."""
        return await self._at_desk(caller, ListOpenRegistrations(), OpenRegistrations)

    # -- watched links --------------------------------------------------------------------------------------

    async def check_link(self, caller: Caller, url: str, *, own_too: bool = False) -> CheckedLink:
        """Whether a referral link is alive, the caller's own as well where wanted; nothing is kept."""
        return await self._at_desk(caller, CheckLink(url=url, own_too=own_too), CheckedLink)

    async def watch_link(self, caller: Caller, url: str) -> WatchedPage:
        """Keep a link that the caller made in Telegram itself."""
        return await self._at_desk(caller, WatchLink(url=url), WatchedPage)

    async def show_watched(self, caller: Caller, watched_id: WatchedId) -> WatchedPage:
        """One watched link as it is now."""
        return await self._at_desk(caller, ShowWatched(watched_id=watched_id), WatchedPage)

    async def unwatch_link(self, caller: Caller, watched_id: WatchedId) -> Unwatched:
        """Forget a watched link."""
        return await self._at_desk(caller, UnwatchLink(watched_id=watched_id), Unwatched)

    # -- the person themselves --------------------------------------------------------------------------------

    async def forget_me(self, caller: Caller, nonce: str) -> Forgotten:
        """Erase what the bridge holds of the caller; a second time is a success too."""
        return await self._ask(caller, await self._desk(), ForgetPerson(), Forgotten, nonce=nonce)

    # -- for operators --------------------------------------------------------------------------------------

    async def show_operations(self, caller: Caller) -> Operations:
        """Accounts, lanes, dead letters, registrations to approve."""
        return await self._at_desk(caller, ShowOperations(), Operations)

    async def decide_registration(
        self, caller: Caller, registration_id: RegistrationId, *, approve: bool
    ) -> RegistrationPage:
        """Approve or refuse a registration; one that is decided stays as it is."""
        payload = DecideRegistration(registration_id=registration_id, approve=approve)
        return await self._at_desk(caller, payload, RegistrationPage)

    async def ban_person(self, caller: Caller, person_id: int, *, banned: bool = True) -> Operations:
        """Let a person use the service no more, or again."""
        return await self._at_desk(caller, BanPerson(person_id=person_id, banned=banned), Operations)
