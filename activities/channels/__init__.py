"""The channels besides e-mail: post, and messages to a phone. Phone calls and visits are tasks for people."""
