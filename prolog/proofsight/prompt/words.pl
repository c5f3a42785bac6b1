:- module(proofsight_words,
          [ class/2,                    % ?Image, ?Class
            decision/2,                 % ?Image, ?Class
            score/3,                    % ?Image, ?Class, ?Points
            points/3,                   % ?Image, ?Class, ?Points
            active/2,                   % ?Image, ?Proposition
            derived/2,                  % ?Image, ?Proposition
            ab/2,                       % ?Rule, ?Image
            rule/2,                     % ?Rule, ?Image
            value/3,                    % ?Image, ?Proposition, ?Value
            measured/3,                 % ?Image, ?Proposition, ?Value
            predicted/3,                % ?Image, ?Class, ?Probability
            proposition/3,              % ?Name, ?Feature, ?Threshold
            layer/4,                    % ?Layer, ?Module, ?Kind, ?Size
            reads/2,                    % ?Layer, ?Module
            label/3,                    % ?Proposition, ?Label, ?By
            rule_stats/2,               % ?Rule, ?Statistics
            policy/1,                   % ?Policy
            default_class/1,            % ?Class
            class_order/1,              % ?Classes
            base_points/2               % ?Class, ?Points
          ]).
:- use_module('../annex_words', [annex_word/2]).
:- use_module(current, [the_current/1]).

/** <module> At the prompt: the words of a knowledge base

Each is called in the knowledge base that is spoken of; so are the words of
annexes, of which annex_words.pl has the table.
*/

%!  class(?Image, ?Class) is nondet.
%!  decision(?Image, ?Class) is nondet.
%!  score(?Image, ?Class, ?Points) is nondet.
%!  points(?Image, ?Class, ?Points) is nondet.
%!  active(?Image, ?Proposition) is nondet.
%!  derived(?Image, ?Proposition) is nondet.
%!  ab(?Rule, ?Image) is nondet.
%!  rule(?Rule, ?Image) is nondet.
%!  value(?Image, ?Proposition, ?Value) is nondet.
%!  measured(?Image, ?Proposition, ?Value) is nondet.
%!  predicted(?Image, ?Class, ?Probability) is nondet.
%!  proposition(?Name, ?Feature, ?Threshold) is nondet.
%!  layer(?Layer, ?Module, ?Kind, ?Size) is nondet.
%!  reads(?Layer, ?Module) is nondet.
%!  label(?Proposition, ?Label, ?By) is nondet.
%!  rule_stats(?Rule, ?Statistics) is nondet.
%!  policy(?Policy) is semidet.
%!  default_class(?Class) is semidet.
%!  class_order(?Classes) is semidet.
%!  base_points(?Class, ?Points) is nondet.
%
%   As the knowledge base has it.

class(Image, Class) :- the_current(KB), KB:class(Image, Class).
decision(Image, Class) :- the_current(KB), KB:decision(Image, Class).
score(Image, Class, Points) :- the_current(KB), KB:score(Image, Class, Points).
points(Image, Class, Points) :- the_current(KB), KB:points(Image, Class, Points).
active(Image, P) :- the_current(KB), KB:active(Image, P).
derived(Image, P) :- the_current(KB), KB:derived(Image, P).
ab(Rule, Image) :- the_current(KB), KB:ab(Rule, Image).
rule(Rule, Image) :- the_current(KB), KB:rule(Rule, Image).
value(Image, P, Value) :- the_current(KB), KB:value(Image, P, Value).
measured(Image, P, Value) :- the_current(KB), KB:measured(Image, P, Value).
predicted(Image, Class, P) :- the_current(KB), KB:predicted(Image, Class, P).
proposition(Name, Feature, T) :- the_current(KB), KB:proposition(Name, Feature, T).
layer(Layer, Module, Kind, N) :- the_current(KB), KB:layer(Layer, Module, Kind, N).
reads(Layer, Module) :- the_current(KB), KB:reads(Layer, Module).
label(P, Label, By) :- the_current(KB), KB:label(P, Label, By).
rule_stats(Rule, Statistics) :- the_current(KB), KB:rule_stats(Rule, Statistics).
policy(Policy) :- the_current(KB), KB:policy(Policy).
default_class(Class) :- the_current(KB), KB:default_class(Class).
class_order(Classes) :- the_current(KB), KB:class_order(Classes).
base_points(Class, Points) :- the_current(KB), KB:base_points(Class, Points).

%   The words of annexes, as the knowledge base has them:
%
%       feeds(C, A, B) :- the_current(KB), KB:feeds(C, A, B).

term_expansion(annex_words, Clauses) :-
    findall(Clause,
            ( annex_word(Name, Arity), word_clause(Name, Arity, Clause) ),
            Clauses).

word_clause(Name, Arity, (:- export(Name/Arity))).
word_clause(Name, Arity, (Head :- the_current(KB), KB:Head)) :-
    functor(Head, Name, Arity).

annex_words.
