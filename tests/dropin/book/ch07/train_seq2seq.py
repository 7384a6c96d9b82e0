import sys

sys.path.append("..")
from common.optimizer import Adam
from common.trainer import Trainer
from common.util import eval_seq2seq
from dataset import sequence
from peeky_seq2seq import PeekySeq2seq
from seq2seq import Seq2seq

x, t = sequence.load_data(256)
for kind in (Seq2seq, PeekySeq2seq):
    model = kind(13, 6, 16)
    trainer = Trainer(model, Adam(0.01))
    trainer.fit(x, t, max_epoch=2, batch_size=32, max_grad=5.0)
    right = [eval_seq2seq(model, x[[i]], t[[i]], sequence.id_to_char, i < 3) for i in range(20)]
    print(kind.__name__, sum(right), sys.argv, __name__)
