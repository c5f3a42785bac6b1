:- module(proofsight_limits,
          [ bounded/3                   % :Goal, +Limits, -Outcome
          ]).
:- use_module(library(option), [option/2, option/3]).
:- use_module(library(time), [call_with_time_limit/2]).
:- use_module(messages, [text/3]).

:- meta_predicate bounded(0, +, -).
:- det(bounded/3).

/** <module> Goals that end

Inferences are the cheapest fence and the same on every machine; then
time; then the stacks.  A built-in that does not look up is left to the
fence around the process.
*/

%!  bounded(:Goal, +Limits, -Outcome) is det.
%
%   Runs Goal once.  Outcome is true or false, or refused(Reason, Message,
%   Metadata) where it raised an error or reached one of Limits:
%
%     - inferences(Count), 1,000,000 where not given
%     - seconds(Number), 5 where not given
%     - stack(Bytes), as the flag `stack_limit` where not given
%
%   A Goal that refuses of its own accord throws refused(Reason, Key, Slots,
%   Metadata), with the key and slots of its message: the text is put
%   together here, beyond the limits.

bounded(Goal, Limits, Outcome) :-
    option(inferences(Inferences), Limits, 1_000_000),
    option(seconds(Seconds), Limits, 5),
    catch(with_stack(Limits,
                     limited(Goal, Inferences, Seconds, Ended)),
          Error,
          true),
    (   var(Error)
    ->  Outcome = Ended
    ;   outcome(Error, Limits, Outcome)
    ).

limited(Goal, Inferences, Seconds, Ended) :-
    (   call_with_time_limit(
            Seconds,
            call_with_inference_limit(caught(Goal, Error), Inferences, Result))
    ->  (   nonvar(Error)
        ->  throw(Error)
        ;   Result == inference_limit_exceeded
        ->  throw(refused('INFERENCE_LIMIT', 'error.INFERENCE_LIMIT',
                          [limit=Inferences], [limit-Inferences]))
        ;   Ended = true
        )
    ;   Ended = false
    ).

%   caught(:Goal, -Error)
%
%   Time that is up while the stacks are short throws in such a way that
%   call_with_inference_limit/3 would not lift its limit again, and a later
%   goal would pay for it: so nothing but its own error may reach it.

:- meta_predicate caught(0, -).

caught(Goal, Error) :-
    catch(Goal, Error0, true),
    (   var(Error0)
    ->  true
    ;   Error0 == inference_limit_exceeded
    ->  throw(Error0)
    ;   Error = Error0
    ).

:- meta_predicate with_stack(+, 0).

with_stack(Limits, Goal) :-
    (   option(stack(Bytes), Limits)
    ->  current_prolog_flag(stack_limit, Before),
        setup_call_cleanup(
            set_prolog_flag(stack_limit, Bytes),
            Goal,
            set_prolog_flag(stack_limit, Before))
    ;   call(Goal)
    ).

outcome(refused(Reason, Key, Slots, Metadata), _, Outcome) =>
    text(Key, Slots, Message),
    Outcome = refused(Reason, Message, Metadata).
outcome(time_limit_exceeded, Limits, Outcome) =>
    option(seconds(Seconds), Limits, 5),
    text('error.TIME_LIMIT', [limit=Seconds], Message),
    Outcome = refused('TIME_LIMIT', Message, [limit-Seconds]).
outcome(error(resource_error(What), _), _, Outcome) =>
    trim_stacks,
    format(string(Resource), '~w', [What]),
    text('error.MEMORY_LIMIT', [resource=Resource], Message),
    Outcome = refused('MEMORY_LIMIT', Message, [resource-Resource]).
outcome(error(Formal, _), _, Outcome) =>
    raised(Formal, Outcome).
outcome(Other, _, Outcome) =>
    raised(Other, Outcome).

raised(Error, refused('BAD_GOAL', Message, [error-Text])) :-
    copy_term_nat(Error, Copy),
    format(string(Text), '~W', [Copy, [quoted(true), numbervars(true), max_depth(10)]]),
    text('error.raised', [error=Text], Message).
