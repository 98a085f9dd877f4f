"""Tokens for an API key or a password, at the three endpoints where the clients ask for them."""

from __future__ import annotations

import base64
from typing import Annotated, Any

from fastapi import Form, Header
from pydantic import AliasChoices, BaseModel, Field

from gristmill.api.envelope import WireResponse
from gristmill.api.router import Router
from gristmill.api.session import Ctx
from gristmill.domain.errors import Invalid, Unauthenticated
from gristmill.service import tokens
from gristmill.service.context import Context
from gristmill.service.tokens import Mode, Token

router = Router(tag="Identity")
_NO_STORE = {"Cache-Control": "no-store"}


class Login(BaseModel):
    """What the on-premises client sends."""

    username: str | None = None
    api_key: str | None = Field(None, validation_alias=AliasChoices("api_key", "apikey"))
    password: str | None = None


@router.post("/icp4d-api/v1/authorize")
def authorize(ctx: Ctx, login: Login) -> WireResponse:
    """Give out a token of the on-premises mode for an API key or a password."""
    token = _token(ctx, "cpd", user_name=login.username, api_key=login.api_key, password=login.password)
    return _answer({"_messageCode_": "200", "message": "Success", "token": token.value})


@router.post("/identity/token")
def cloud_token(
    ctx: Ctx,
    apikey: Annotated[str | None, Form()] = None,
    username: Annotated[str | None, Form()] = None,
    password: Annotated[str | None, Form()] = None,
) -> WireResponse:
    """Give out a token of the cloud mode."""
    return _answer(_oauth(_token(ctx, "cloud", user_name=username, api_key=apikey, password=password)))


@router.post("/idprovider/v1/auth/identitytoken")
def identity_token(
    ctx: Ctx,
    username: Annotated[str | None, Form()] = None,
    password: Annotated[str | None, Form()] = None,
) -> WireResponse:
    """Give out the first half of the on-premises login by password; `validate` turns it into the token."""
    return _answer(_oauth(_token(ctx, "cpd", user_name=username, password=password)))


@router.get("/v1/preauth/validateAuth")
def validate(
    ctx: Ctx,
    username: Annotated[str | None, Header()] = None,
    iam_token: Annotated[str | None, Header()] = None,
    authorization: Annotated[str, Header()] = "",
) -> WireResponse:
    """Return the token again that `identity_token` gave out, or one for a password sent by HTTP Basic."""
    if iam_token:
        if tokens.actor(ctx, iam_token).user_name != username:
            raise Unauthenticated("The header username names another user than the token in iam-token.")
        return _answer({"username": username, "accessToken": iam_token})
    name, password = _basic(authorization)
    token = _token(ctx, "cpd", user_name=name, password=password)
    return _answer({"username": token.user_name, "accessToken": token.value})


def _token(
    ctx: Context,
    mode: Mode,
    *,
    user_name: str | None = None,
    api_key: str | None = None,
    password: str | None = None,
) -> Token:
    if api_key:
        return tokens.for_api_key(ctx, api_key, mode=mode, user_name=user_name or None)
    if user_name and password:
        return tokens.for_password(ctx, user_name, password, mode=mode)
    raise Invalid("Send an API key (api_key, or apikey in a form), or username and password.")


def _oauth(token: Token) -> dict[str, Any]:
    return {
        "access_token": token.value,
        "refresh_token": "not_supported",
        "token_type": "Bearer",
        "expires_in": token.lifetime_seconds,
        "expiration": int(token.expires_at.timestamp()),
        "scope": "ibm openid",
    }


def _basic(header: str) -> tuple[str, str]:
    scheme, _, credentials = header.partition(" ")
    try:
        name, _, password = base64.b64decode(credentials if scheme.lower() == "basic" else "").decode().partition(":")
    except ValueError as error:
        raise Unauthenticated("The header Authorization is not Basic with base64 of user:password.") from error
    return name, password


def _answer(content: dict[str, Any]) -> WireResponse:
    return WireResponse(content, headers=_NO_STORE)
